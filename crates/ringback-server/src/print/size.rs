//! Sizes for people.

/// `0 B`, `841 B`, `1.1 KB`, `4.0 MB`: powers of 1,024, as `ls -h` counts.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let (mut tenths, mut unit) = (count.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_have_one_digit_after_the_point() {
        let sizes = [0, 1023, 1126, 1 << 20, 3 << 30].map(super::bytes);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KB", "1.0 MB", "3.0 GB"]);
    }
}
