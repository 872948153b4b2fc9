//! The reliability plot: how often answers of a certain confidence are right, as a picture.

use super::figures::Bin;
use std::fmt::Write as _;

const SIDE: f64 = 400.0;
const EDGE: f64 = 50.0;

/// Draws the bins: a bar for how often they were right, a dot where they should be.
pub(super) fn reliability(bins: &[Bin], ece: Option<f64>) -> String {
    let total: usize = bins.iter().map(|bin| bin.rows).sum();
    let x = |share: f64| EDGE + share * SIDE;
    let y = |share: f64| EDGE + (1.0 - share) * SIDE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{EDGE}\" y=\"30\" font-size=\"14\">Reliability: {total} rows{1}</text>\n",
        SIDE + 2.0 * EDGE,
        ece.map_or(String::new(), |ece| format!(", calibration error {:.1} %", ece * 100.0)),
    );
    for bin in bins.iter().filter(|bin| bin.rows > 0) {
        let (left, width) = (x(bin.from), SIDE * (bin.to - bin.from));
        let of_all = f64::from(u32::try_from(bin.rows).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(total.max(1)).unwrap_or(u32::MAX));
        push(
            &mut svg,
            &format!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#4477aa\" fill-opacity=\"{:.2}\"><title>{} rows, confidence {:.3}, right {:.3}</title></rect>",
                left + 1.0,
                y(bin.right),
                width - 2.0,
                SIDE * bin.right,
                0.25 + 0.75 * of_all.sqrt(),
                bin.rows,
                bin.confidence,
                bin.right,
            ),
        );
        push(
            &mut svg,
            &format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#cc3311\"/>",
                x(bin.confidence),
                y(bin.confidence)
            ),
        );
    }
    push(
        &mut svg,
        &format!(
            "<path d=\"M{0:.1} {1:.1} V{2:.1} H{3:.1}\" fill=\"none\" stroke=\"black\"/>\
         <path d=\"M{0:.1} {2:.1} L{3:.1} {1:.1}\" stroke=\"#888888\" stroke-dasharray=\"4\"/>",
            x(0.0),
            y(1.0),
            y(0.0),
            x(1.0)
        ),
    );
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        push(
            &mut svg,
            &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{share}</text>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{share}</text>",
                x(share),
                y(0.0) + 18.0,
                x(0.0) - 6.0,
                y(share) + 4.0
            ),
        );
    }
    push(
        &mut svg,
        &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">confidence</text>\
         <text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">share of right answers</text>\n</svg>",
            x(0.5),
            y(0.0) + 38.0,
            y(0.5)
        ),
    );
    svg
}

fn push(svg: &mut String, part: &str) {
    writeln!(svg, "{part}").expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bin_with_rows_is_a_bar() {
        let bin = |rows, from| Bin { from, to: from + 0.5, rows, confidence: from + 0.2, right: 0.5 };
        let svg = reliability(&[bin(3, 0.0), bin(0, 0.5)], Some(0.1));
        assert_eq!((svg.matches("<circle").count(), svg.matches("3 rows, confidence").count()), (1, 1));
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }
}
