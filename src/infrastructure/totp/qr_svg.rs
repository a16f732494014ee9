//! QR codes as pictures that pages can show as they are: an SVG document without script, style and references.

use std::fmt::Write as _;

use qrcodegen::{DataTooLong, QrCode, QrCodeEcc};

/// The border that readers ask for, in modules (ISO/IEC 18004).
const QUIET_ZONE: i32 = 4;

/// Draws a text, black on white whatever the page's colours are, as not every reader takes the reverse.
pub(super) fn draw(text: &str) -> Result<String, DataTooLong> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)?;
    let size = code.size() + 2 * QUIET_ZONE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path fill=\"#000\" d=\""
    );
    for row in 0..code.size() {
        for (column, length) in dark_runs(&code, row) {
            // Writing to a String cannot fail.
            let _ = write!(svg, "M{} {}h{length}v1h-{length}z", column + QUIET_ZONE, row + QUIET_ZONE);
        }
    }
    svg.push_str("\"/></svg>");
    Ok(svg)
}

/// Where dark modules begin in a row, and how many follow each other.
fn dark_runs(code: &QrCode, row: i32) -> Vec<(i32, i32)> {
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for column in (0..code.size()).filter(|column| code.get_module(*column, row)) {
        match runs.last_mut() {
            Some((begin, length)) if *begin + *length == column => *length += 1,
            _ => runs.push((column, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers in a path, which has nothing but `M`, `h`, `v` and `z` beside them.
    fn rectangles(svg: &str) -> Vec<[i32; 3]> {
        let (_, path) = svg.split_once(" d=\"").unwrap();
        let path = path.strip_suffix("\"/></svg>").unwrap();
        let parts = path.split('M').skip(1).map(|part| {
            let (place, rest) = part.split_once('h').unwrap();
            let (x, y) = place.split_once(' ').unwrap();
            let (length, rest) = rest.split_once("v1h-").unwrap();
            assert_eq!(rest, format!("{length}z"));
            [x, y, length].map(|number| number.parse().unwrap())
        });
        parts.collect()
    }

    fn long(length: usize) -> String {
        "x".chars().cycle().take(length).collect()
    }

    #[test]
    fn every_dark_module_is_drawn_and_nothing_else() {
        let text = "otpauth://totp/id.example:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let mut drawn = Vec::new();
        for [x, y, length] in rectangles(&draw(text).unwrap()) {
            drawn.extend((x..x + length).map(|x| (x - QUIET_ZONE, y - QUIET_ZONE)));
        }
        drawn.sort_unstable();
        let modules = (0..code.size()).flat_map(|x| (0..code.size()).map(move |y| (x, y)));
        let dark: Vec<(i32, i32)> = modules.filter(|(x, y)| code.get_module(*x, *y)).collect();
        assert_eq!(drawn, dark);
    }

    #[test]
    fn the_picture_is_well_formed_and_has_a_quiet_zone_and_no_script() {
        for text in ["", "a", "\"/><script>alert(1)</script>", "ö", &long(2000)] {
            let svg = draw(text).unwrap();
            let size = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap().size() + 2 * QUIET_ZONE;
            let head = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" ");
            assert!(svg.starts_with(&head) && svg.ends_with("\"/></svg>"), "{svg}");
            // Three elements, each with its end, and nothing between them.
            let tags: Vec<&str> = svg.split('<').skip(1).map(|tag| tag.split([' ', '>']).next().unwrap()).collect();
            assert_eq!(tags, ["svg", "rect", "path", "/svg"]);
            assert_eq!(svg.matches('>').count(), 4);
            assert_eq!(svg.matches('"').count() % 2, 0);
            assert!(!svg.contains('&') && svg.is_ascii());
            let rectangles = rectangles(&svg);
            let inside = |[x, y, length]: &[i32; 3]| {
                *x >= QUIET_ZONE && *y >= QUIET_ZONE && x + length <= size - QUIET_ZONE && *y < size - QUIET_ZONE
            };
            assert!(!rectangles.is_empty() && rectangles.iter().all(inside));
        }
    }

    #[test]
    fn what_fits_into_no_code_is_refused() {
        assert!(draw(&long(3000)).is_err());
    }
}
