//! Plots as SVG, drawn here: a few points, a line between them, two axes.

use std::fmt::Write as _;

use super::row::grouped;

/// Points to be shown, in order of x.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    /// Of the file, without its ending.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 56.0;

/// Beside the picture, for half of the text at the last mark.
const OVERHANG: f64 = 16.0;

/// About how many marks an axis has.
const MARKS: f64 = 5.0;

impl Plot {
    /// The picture; `machine` stands below the title, since numbers without their machine say little.
    pub(crate) fn svg(&self, machine: &str) -> String {
        let (x_step, x_end) = scale(self.points.iter().map(|point| point.0));
        let (y_step, y_end) = scale(self.points.iter().map(|point| point.1));
        let x_at = |value: f64| LEFT + value / x_end * (WIDTH - LEFT - RIGHT);
        let y_at = |value: f64| HEIGHT - BOTTOM - value / y_end * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">
<rect width="100%" height="100%" fill="#fff"/>
<text x="{LEFT}" y="18" font-size="14" font-weight="bold">{}</text>
<text x="{LEFT}" y="34" font-size="8" fill="#666">{}</text>
"##,
            WIDTH + OVERHANG,
            escaped(&self.title),
            escaped(machine)
        );
        for value in steps(x_step, x_end) {
            let x = x_at(value);
            let y = HEIGHT - BOTTOM;
            // Writing to a string cannot fail.
            let _ = writeln!(svg, r##"<line x1="{x:.1}" y1="{y}" x2="{x:.1}" y2="{}" stroke="#333"/>"##, y + 4.0);
            let _ = writeln!(
                svg,
                r#"<text x="{x:.1}" y="{}" text-anchor="middle">{}</text>"#,
                y + 18.0,
                told(value, x_step)
            );
        }
        for value in steps(y_step, y_end) {
            let y = y_at(value);
            let _ =
                writeln!(svg, r##"<line x1="{LEFT}" y1="{y:.1}" x2="{}" y2="{y:.1}" stroke="#ddd"/>"##, WIDTH - RIGHT);
            let _ = writeln!(
                svg,
                r#"<text x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
                LEFT - 8.0,
                y + 4.0,
                told(value, y_step)
            );
        }
        let line: Vec<_> = self.points.iter().map(|(x, y)| format!("{:.1},{:.1}", x_at(*x), y_at(*y))).collect();
        let _ =
            writeln!(svg, r##"<polyline points="{}" fill="none" stroke="#0b6e99" stroke-width="2"/>"##, line.join(" "));
        for (x, y) in &self.points {
            let _ = writeln!(svg, r##"<circle cx="{:.1}" cy="{:.1}" r="3.5" fill="#0b6e99"/>"##, x_at(*x), y_at(*y));
        }
        let _ = writeln!(
            svg,
            r#"<text x="{:.1}" y="{}" text-anchor="middle">{}</text>
<text transform="translate(16,{:.1}) rotate(-90)" text-anchor="middle">{}</text>
</svg>"#,
            f64::midpoint(LEFT, WIDTH - RIGHT),
            HEIGHT - 14.0,
            escaped(&self.x),
            f64::midpoint(TOP, HEIGHT - BOTTOM),
            escaped(&self.y)
        );
        svg
    }
}

/// A round step, and the first multiple of it that no value is above. Axes begin at 0, so that heights compare.
fn scale(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let largest = values.fold(0.0, f64::max).max(1e-9);
    let rough = largest / MARKS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(power * 10.0);
    (step, (largest / step - 1e-9).ceil() * step)
}

fn steps(step: f64, end: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |at| f64::from(at) * step).take_while(move |value| *value <= end * 1.000_1)
}

fn told(value: f64, step: f64) -> String {
    if step >= 1.0 { grouped(value) } else { format!("{value:.2}") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_marks_and_room_for_every_point() {
        assert_eq!(scale([12.0, 42.0].into_iter()), (10.0, 50.0));
        assert_eq!(scale([1_000_000.0].into_iter()), (200_000.0, 1_000_000.0));
        assert_eq!(steps(10.0, 50.0).collect::<Vec<_>>(), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
    }

    #[test]
    fn every_point_is_drawn() {
        let points = vec![(0.0, 4.0), (10.0, 5.0), (40.0, 9.0)];
        let plot = Plot { name: "a".into(), title: "a < b".into(), x: "x".into(), y: "y".into(), points };
        let svg = plot.svg("a machine");
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("a &lt; b") && svg.trim_end().ends_with("</svg>"));
    }
}
