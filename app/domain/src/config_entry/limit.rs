//! A limit as the original wrote it: `inf`, or a number as C writes them with `K`, `M`, `k` or `m` after
//! it (fact sheet 1.7).

use core::str::FromStr;

/// What a limit says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitValue {
    /// `inf`.
    Unlimited,
    /// So much, in the unit of what is limited.
    At(u64),
}

impl FromStr for LimitValue {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "inf" {
            return Ok(Self::Unlimited);
        }
        let (number, factor) = match text.char_indices().last() {
            Some((end, unit @ ('K' | 'M' | 'k' | 'm'))) => {
                let factor = match unit {
                    'K' => 1024,
                    'M' => 1024 * 1024,
                    'k' => 1000,
                    _ => 1_000_000,
                };
                (text.get(..end).ok_or(())?, factor)
            }
            _ => (text, 1),
        };
        let is_plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
        let (digits, base) = match (number.strip_prefix("0x"), number.strip_prefix('0')) {
            (Some(digits), _) => (digits, 16),
            (None, Some(digits)) if !digits.is_empty() => (digits, 8),
            _ => (number, 10),
        };
        let value = u64::from_str_radix(digits, base).ok().filter(|_| is_plain(digits));
        value.and_then(|value| value.checked_mul(factor)).map(Self::At).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_c_reads_them() {
        for (text, value) in [
            ("0", 0),
            ("5000", 5000),
            ("0x10", 16),
            ("010", 8),
            ("2K", 2048),
            ("2k", 2000),
            ("3M", 3 << 20),
            ("3m", 3_000_000),
        ] {
            assert_eq!(text.parse(), Ok(LimitValue::At(value)), "{text}");
        }
        assert_eq!("inf".parse(), Ok(LimitValue::Unlimited));
        for wrong in ["", "K", "-1", "+1", "1.5", "08", "0x", "1 K", "99999999999999999999", "é"] {
            assert_eq!(wrong.parse::<LimitValue>(), Err(()), "{wrong}");
        }
    }
}
