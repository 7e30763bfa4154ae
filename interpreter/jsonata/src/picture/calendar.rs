//! The Gregorian calendar, ahead of its time and without time zones, and the weeks of ISO 8601.

pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// From the first day of the week.
pub(super) const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MILLIS_PER_DAY: i64 = 86_400_000;

/// The milliseconds from 1970 that JavaScript has times for, either way: a hundred million days.
pub(super) const MILLIS_MAX: f64 = 8.64e15;

/// A month: the year, and the month from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Month {
    pub(super) year: i64,
    pub(super) month: i64,
}

impl Month {
    /// The month that `months` months after the January of `year` is.
    pub(super) fn new(year: i64, months: i64) -> Self {
        Self { year: year + months.div_euclid(12), month: months.rem_euclid(12) }
    }

    /// The first day, counted from 1970-01-01.
    pub(super) fn first_day(self) -> i64 {
        // Years from March, so that the leap day is the last one.
        let year = self.year - i64::from(self.month < 2);
        let month = (self.month + 10) % 12;
        let day_of_year = (153 * month + 2) / 5;
        let day = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year;
        day - 719_468
    }

    /// The Monday of the first week that has its Thursday in the month.
    fn first_week(self) -> i64 {
        let first = self.first_day();
        let weekday = weekday(first);
        if weekday > 4 { first + 8 - weekday } else { first + 1 - weekday }
    }
}

/// 1 for Monday to 7 for Sunday.
fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7) + 1
}

/// A point in time on a clock in some time zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalTime {
    /// From 1970-01-01.
    day: i64,
    month: Month,
    /// From midnight.
    millis: i64,
}

impl LocalTime {
    /// The time `millis` after 1970 began; `None` if JavaScript has no such time.
    pub(super) fn from_millis(millis: f64) -> Option<Self> {
        let millis = millis.trunc();
        if millis.is_nan() || millis.abs() > MILLIS_MAX {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked to be within the range of times")]
        let millis = millis as i64;
        let day = millis.div_euclid(MILLIS_PER_DAY);
        Some(Self { day, month: month_of(day), millis: millis.rem_euclid(MILLIS_PER_DAY) })
    }

    pub(super) fn year(self) -> i64 {
        self.month.year
    }

    /// From 1.
    pub(super) fn month(self) -> i64 {
        self.month.month + 1
    }

    pub(super) fn day_of_month(self) -> i64 {
        self.day - self.month.first_day() + 1
    }

    pub(super) fn day_of_year(self) -> i64 {
        self.day - Month::new(self.month.year, 0).first_day() + 1
    }

    /// 1 for Monday to 7 for Sunday.
    pub(super) fn weekday(self) -> i64 {
        weekday(self.day)
    }

    /// The week of ISO 8601: the first one of a year has its Thursday in it.
    pub(super) fn week_of_year(self) -> i64 {
        self.week_of(Month::new(self.week_year(), 0))
    }

    /// The year that the week belongs to.
    pub(super) fn week_year(self) -> i64 {
        // The Thursday of the week decides.
        month_of(self.day + 4 - self.weekday()).year
    }

    /// The week of the month, by the same rule as that of the year.
    pub(super) fn week_of_month(self) -> i64 {
        self.week_of(month_of(self.day + 4 - self.weekday()))
    }

    /// The month that the week belongs to, from 1.
    pub(super) fn week_month(self) -> i64 {
        month_of(self.day + 4 - self.weekday()).month + 1
    }

    fn week_of(self, start: Month) -> i64 {
        (self.day - start.first_week()).div_euclid(7) + 1
    }

    pub(super) fn hour(self) -> i64 {
        self.millis / 3_600_000
    }

    pub(super) fn minute(self) -> i64 {
        self.millis / 60_000 % 60
    }

    pub(super) fn second(self) -> i64 {
        self.millis / 1000 % 60
    }

    pub(super) fn millisecond(self) -> i64 {
        self.millis % 1000
    }
}

/// The month that a day, counted from 1970-01-01, is in.
fn month_of(day: i64) -> Month {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    Month::new(era * 400 + year_of_era, month_from_march + 2)
}

/// The time in milliseconds of what may be out of range: month 14 is February of the next year. As JavaScript's `Date.UTC`, for which
/// the years 0 to 99 are those of the 20th century; not-a-number if there is no such time.
///
/// `month` counts from 0; `time` is hours, minutes, seconds and milliseconds.
pub(super) fn utc(year: f64, month: f64, day: f64, time: [f64; 4]) -> f64 {
    let [hours, minutes, seconds, millis] = time;
    if ![year, month, day, hours, minutes, seconds, millis].into_iter().all(|part| part.abs() <= MILLIS_MAX) {
        return f64::NAN;
    }
    let year = if (0.0..100.0).contains(&year) { year + 1900.0 } else { year };
    // Far beyond what there are times for; what is nearer does not overflow below.
    if year.abs() + (month / 12.0).abs() > 1e6 {
        return f64::NAN;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
    let first_day = Month::new(year as i64, month as i64).first_day();
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let days = first_day as f64 + day - 1.0;
    let total = days * 86_400_000.0 + (hours * 3_600_000.0 + minutes * 60_000.0 + seconds * 1000.0 + millis);
    if total.abs() <= MILLIS_MAX { total } else { f64::NAN }
}
