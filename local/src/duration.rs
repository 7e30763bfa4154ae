//! Lengths of time, for people.

/// `250 ms`, `1.5 s`, `2 min 30 s`, `3 d 2 h`: the two largest units.
pub(crate) fn human(millis: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
    if millis < 1000 {
        return format!("{millis} ms");
    }
    if millis < 60_000 {
        let (seconds, tenths) = (millis / 1000, millis % 1000 / 100);
        return if tenths == 0 { format!("{seconds} s") } else { format!("{seconds}.{tenths} s") };
    }
    let mut rest = millis;
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        let count = rest / unit;
        rest %= unit;
        if count > 0 {
            parts.push(format!("{count} {name}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" ")
}

/// `1,234,567`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let table = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1 s"),
            (1550, "1.5 s"),
            (60_000, "1 min"),
            (150_000, "2 min 30 s"),
            (3_600_000, "1 h"),
            (3_601_000, "1 h"),
            (259_200_000, "3 d"),
            (266_400_000, "3 d 2 h"),
        ];
        for (millis, text) in table {
            assert_eq!(human(millis), text);
        }
        assert_eq!((grouped(0), grouped(999), grouped(25_000)), ("0".to_owned(), "999".to_owned(), "25,000".to_owned()));
    }
}
