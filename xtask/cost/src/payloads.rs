//! JSON as functions answer it: three schemas, other values in each document.

/// Numbers that look random and are the same in each run.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn of<'t>(&mut self, words: &[&'t str]) -> &'t str {
        let place = usize::try_from(self.below(words.len() as u64)).unwrap_or(0);
        words.get(place).copied().unwrap_or_default()
    }

    fn hex(&mut self, digits: usize) -> String {
        format!("{:016x}{:016x}", self.next(), self.next()).chars().take(digits).collect()
    }

    fn day(&mut self) -> String {
        format!("2026-{:02}-{:02}", 1 + self.below(12), 1 + self.below(28))
    }

    fn time(&mut self) -> String {
        format!("{}T{:02}:{:02}:{:02}.{:03}Z", self.day(), self.below(24), self.below(60), self.below(60), self.below(1000))
    }

    fn cents(&mut self, limit: u64) -> String {
        format!("{}.{:02}", self.below(limit), self.below(100))
    }

    /// `length` characters of base64, which nothing compresses well.
    pub(crate) fn base64(&mut self, length: usize) -> String {
        use base64::Engine as _;
        let bytes: Vec<u8> = (0..length * 3 / 4).map(|_| self.next().to_le_bytes()[0]).collect();
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }
}

const GIVEN: [&str; 14] = [
    "Aino",
    "Bram",
    "Chidi",
    "Dilnoza",
    "Eirik",
    "Farida",
    "Goran",
    "Hyejin",
    "Ioana",
    "Jomo",
    "Katarzyna",
    "Lupe",
    "Mateus",
    "Noor",
];
const FAMILY: [&str; 14] = [
    "Virtanen",
    "de Wit",
    "Okafor",
    "Karimova",
    "Solberg",
    "Haidari",
    "Petrović",
    "Baek",
    "Dumitru",
    "Mwangi",
    "Zielińska",
    "Hernández",
    "Carvalho",
    "Rahman",
];
const TOWNS: [&str; 12] =
    ["Tampere", "Utrecht", "Enugu", "Samarkand", "Bergen", "Herat", "Niš", "Daegu", "Cluj-Napoca", "Kisumu", "Łódź", "Puebla"];
const WORDS: [&str; 24] = [
    "adjusted",
    "awaiting",
    "bracket",
    "cracked",
    "delayed",
    "driver",
    "estimate",
    "front",
    "garage",
    "hinge",
    "inspection",
    "left",
    "mirror",
    "noted",
    "paint",
    "panel",
    "photographed",
    "rear",
    "replaced",
    "scratched",
    "towed",
    "twice",
    "verified",
    "witness",
];

/// A document of about two kilobytes, in one of three schemas.
pub(crate) fn document(schema: u64, seed: u64) -> String {
    let mut random = Random::new(seed);
    match schema % 3 {
        0 => claim(&mut random),
        1 => voyage(&mut random),
        _ => assay(&mut random),
    }
}

fn person(r: &mut Random) -> String {
    let (given, family) = (r.of(&GIVEN), r.of(&FAMILY));
    format!(
        r#"{{"given":"{given}","family":"{family}","phone":"+{}{:08}","mailbox":"{}.{}@{}.example","residence":"{}"}}"#,
        30 + r.below(60),
        r.below(100_000_000),
        given.to_lowercase(),
        r.hex(4),
        r.of(&WORDS),
        r.of(&TOWNS)
    )
}

fn sentence(r: &mut Random, words: usize) -> String {
    (0..words).map(|_| r.of(&WORDS)).collect::<Vec<_>>().join(" ")
}

fn list(r: &mut Random, count: usize, make: impl Fn(&mut Random) -> String) -> String {
    (0..count).map(|_| make(r)).collect::<Vec<_>>().join(",")
}

/// A claim on an insurance.
fn claim(r: &mut Random) -> String {
    let damages = list(r, 7, |r| {
        format!(
            r#"{{"partCode":"{}-{}","severity":{},"labourHours":{}.{},"quoteEur":{},"repairer":"RP{}","note":"{}"}}"#,
            r.of(&["DR", "BN", "FN", "WS", "RM"]),
            r.below(9000) + 1000,
            r.below(5),
            r.below(12),
            r.below(10),
            r.cents(2500),
            r.below(100_000),
            sentence(r, 5)
        )
    });
    let photos = list(r, 4, |r| format!(r#"{{"sha256":"{}","takenAt":"{}","kb":{}}}"#, r.hex(32), r.time(), r.below(4000)));
    format!(
        r#"{{"claimRef":"CLM-{}","policy":{{"series":"{}","holder":{},"since":"{}"}},"incident":{{"occurredAt":"{}","lat":{}.{:06},"lon":{}.{:06},"narrative":"{}"}},"damages":[{damages}],"photos":[{photos}],"excessEur":{},"assessor":{},"fraudScore":0.{:04}}}"#,
        r.hex(10).to_uppercase(),
        r.hex(8),
        person(r),
        r.day(),
        r.time(),
        r.below(70),
        r.below(1_000_000),
        r.below(40),
        r.below(1_000_000),
        sentence(r, 22),
        r.cents(900),
        person(r),
        r.below(10_000)
    )
}

/// A ship's voyage.
fn voyage(r: &mut Random) -> String {
    let legs = list(r, 4, |r| {
        format!(
            r#"{{"from":"{}","to":"{}","etd":"{}","eta":"{}","nauticalMiles":{},"bunkerTonnes":{},"pilot":{}}}"#,
            r.of(&TOWNS),
            r.of(&TOWNS),
            r.time(),
            r.time(),
            r.below(4000),
            r.cents(300),
            r.below(2) == 0
        )
    });
    let boxes = list(r, 10, |r| {
        format!(
            r#"{{"container":"{}U{:07}","sealNo":"{}","grossKg":{},"reefer":{}}}"#,
            r.of(&["MSK", "HLC", "CMA", "OOC"]),
            r.below(10_000_000),
            r.hex(9),
            r.below(30_000),
            r.below(3) == 0
        )
    });
    format!(
        r#"{{"voyageNo":"{}W","vessel":{{"imo":{},"callsign":"{}","flag":"{}","master":{}}},"legs":[{legs}],"manifest":[{boxes}],"agent":{},"berth":"{}","remarks":"{}","issued":"{}","checksum":"{}"}}"#,
        r.below(900) + 100,
        9_000_000 + r.below(900_000),
        r.hex(5).to_uppercase(),
        r.of(&["NO", "PA", "LR", "MT"]),
        person(r),
        person(r),
        r.hex(3),
        sentence(r, 12),
        r.time(),
        r.hex(32)
    )
}

/// What a laboratory found in samples.
fn assay(r: &mut Random) -> String {
    let results = list(r, 14, |r| {
        format!(
            r#"{{"analyte":"{}","mgPerL":{}.{:03},"lod":0.{:03},"flag":"{}","method":"EN{}"}}"#,
            r.of(&["nitrate", "lead", "cadmium", "phosphate", "fluoride", "arsenic", "zinc"]),
            r.below(50),
            r.below(1000),
            r.below(100),
            r.of(&["", "H", "L", "<"]),
            r.below(20_000)
        )
    });
    let runs = list(r, 5, |r| {
        format!(
            r#"{{"rack":"{}","well":"{}{}","when":"{}","counts":{}}}"#,
            r.hex(6),
            r.of(&["A", "B", "C", "D"]),
            r.below(12),
            r.time(),
            r.below(900_000)
        )
    });
    format!(
        r#"{{"labNo":"{}","sampled":{{"site":"{}","borehole":{},"depthM":{},"by":{}}},"results":[{results}],"runs":[{runs}],"released":{{"when":"{}","by":{},"signature":"{}"}},"comment":"{}"}}"#,
        r.hex(12),
        r.of(&TOWNS),
        r.below(400),
        r.cents(90),
        person(r),
        r.time(),
        person(r),
        r.hex(32),
        sentence(r, 9)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_json_of_two_kilobytes_and_differ() {
        for schema in 0..3 {
            let lengths: Vec<usize> = (0..50).map(|seed| document(schema, seed).len()).collect();
            let mean = lengths.iter().sum::<usize>() / lengths.len();
            assert!((1900..2200).contains(&mean), "schema {schema}: {mean}");
            assert_ne!(document(schema, 1), document(schema, 2));
            assert!(serde_json::from_str::<serde_json::Value>(&document(schema, 3)).is_ok());
        }
    }
}
