//! Numbers as JavaScript writes them (ECMAScript, Number::toString).

/// Digits that a double holds exactly, whatever they are.
const EXACT_DIGITS: usize = 15;

/// Whether JavaScript, having read the JSON number `text`, writes the same text.
pub(super) fn is_stable(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() <= EXACT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // Zero has no sign in what JavaScript writes.
        return text != "-0";
    }
    text.parse::<f64>().is_ok_and(|number| number.is_finite() && written(number) == text)
}

/// The shortest digits that read back as the same double, laid out as JavaScript does.
fn written(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{sign}{}", laid_out(&digits, exponent))
}

/// `digits` with the point behind the first one, times ten to the `exponent`.
fn laid_out(digits: &str, exponent: i32) -> String {
    let count = digits.len();
    match usize::try_from(exponent) {
        Ok(exponent) if exponent < 21 => {
            let whole = exponent + 1;
            if count <= whole {
                format!("{digits}{}", "0".repeat(whole - count))
            } else {
                format!("{}.{}", &digits[..whole], &digits[whole..])
            }
        }
        _ if (-6..0).contains(&exponent) => {
            format!("0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1))
        }
        _ => {
            let point = if count > 1 { "." } else { "" };
            let plus = if exponent < 0 { "" } else { "+" };
            format!("{}{point}{}e{plus}{exponent}", &digits[..1], &digits[1..])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_javascript_writes_is_stable() {
        for text in [
            "0",
            "1",
            "-1",
            "42",
            "999999999999999",
            "9007199254740991",
            "9007199254740992",
            "1.5",
            "-0.25",
            "0.1",
            "0.000001",
            "1e-7",
            "1.5e-7",
            "100000000000000000000",
            "1e+21",
            "1.5e+300",
            "5e-324",
            "123456.789",
            "1.7976931348623157e+308",
            "2432232314",
            "123456789012345680000",
        ] {
            assert!(is_stable(text), "{text}");
        }
    }

    #[test]
    fn what_javascript_writes_differently_is_not() {
        for text in [
            "3.0",
            "-0",
            "-0.0",
            "0.0",
            "1.50",
            "1e3",
            "1E-7",
            "1e-07",
            "1e21",
            "0.0000001",
            "9007199254740993",
            "12345678901234567890",
            "1e400",
            "-1e400",
            "1e-400",
            "1000000000000000000000",
            "0.1000000000000000055511151231257827",
        ] {
            assert!(!is_stable(text), "{text}");
        }
    }
}
