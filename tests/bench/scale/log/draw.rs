//! What looks like chance and is the same in each run.

/// A row of numbers that depends on what it was made of, and on nothing else.
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// The numbers for this thing of this kind.
    pub const fn of(kind: u64, thing: u64) -> Self {
        Self(mix(mix(kind.wrapping_add(1)).wrapping_add(thing)))
    }

    /// Any 64 bits (the generator `SplitMix64`).
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// At least 0 and below 1.
    pub fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what a number holds")]
        let bits = (self.bits() >> 11) as f64;
        bits * (f64::EPSILON / 2.0)
    }

    /// Below `end`.
    pub const fn below(&mut self, end: u64) -> u64 {
        // The upper half of the product: the lower bits of a remainder would do as well, at the price of a division.
        ((self.bits() as u128 * end as u128) >> 64) as u64
    }

    /// One of them.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = self.below(of.len() as u64);
        &of[usize::try_from(index).unwrap_or_default()]
    }

    /// Whether something happens that does in this share of all cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Half of all are below the median; two thirds are between it divided and it multiplied by e to the spread.
    pub fn log_normal(&mut self, median: f64, spread: f64) -> f64 {
        // Box and Muller's way from two even numbers to a normal one.
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        median * (spread * normal).exp()
    }

    /// The same as a whole number, from `least` to `most`.
    pub fn about(&mut self, median: f64, spread: f64, least: u32, most: u32) -> u32 {
        let drawn = self.log_normal(median, spread).clamp(least.into(), most.into());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between two that fit")]
        let whole = drawn as u32;
        whole
    }
}

const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Things of which the first are far more frequent than the last (Zipf's law).
pub struct Ranks {
    /// The share of those up to here.
    up_to: Vec<f64>,
}

impl Ranks {
    /// So many things; the second is `2^exponent` times rarer than the first.
    pub fn new(things: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        let mut up_to: Vec<f64> = (1..=things)
            .map(|rank| {
                sum += f64::from(rank).powf(-exponent);
                sum
            })
            .collect();
        for share in &mut up_to {
            *share /= sum;
        }
        Self { up_to }
    }

    /// One of them.
    pub fn one(&self, draw: &mut Draw) -> usize {
        let place = draw.unit();
        self.up_to.partition_point(|share| *share <= place).min(self.up_to.len() - 1)
    }
}
