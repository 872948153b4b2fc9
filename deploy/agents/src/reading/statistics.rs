//! Small statistics.

/// Describes a list of numbers.
pub(crate) struct Summary {
    pub(crate) count: usize,
    pub(crate) sum: f64,
    pub(crate) mean: f64,
    pub(crate) median: f64,
    /// Of a sample (n − 1); none for one number.
    pub(crate) deviation: Option<f64>,
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) quartiles: (f64, f64),
}

/// Describes the numbers; none when there are none.
pub(crate) fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(Summary {
        count: values.len(),
        sum: values.iter().sum(),
        mean,
        median: quantile(&sorted, 0.5),
        deviation: (values.len() > 1).then(|| (squares / (float(values.len()) - 1.0)).sqrt()),
        least,
        most,
        quartiles: (quantile(&sorted, 0.25), quantile(&sorted, 0.75)),
    })
}

/// The arithmetic mean; 0 for nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / float(values.len()) }
}

/// A quantile of sorted numbers by linear interpolation (type 7 of Hyndman and Fan, 1996).
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (float(sorted.len()) - 1.0);
    let below = place.floor();
    let at = |place: f64| {
        sorted.iter().enumerate().find(|(index, _)| float(*index) >= place).map_or(0.0, |(_, value)| *value)
    };
    at(below) + (place - below) * (at(place.ceil()) - at(below))
}

/// A straight line `y = intercept + slope · x`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    /// Coefficient of determination, R².
    pub(crate) fit: f64,
}

/// The least squares line through the values at x = 0, 1, 2 …; none for fewer than two.
pub(crate) fn trend(values: &[f64]) -> Option<Line> {
    if values.len() < 2 {
        return None;
    }
    let middle = (float(values.len()) - 1.0) / 2.0;
    let height = mean(values);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        let (x, y) = (float(index) - middle, value - height);
        (xy, xx, yy) = (xy + x * y, xx + x * x, yy + y * y);
    }
    let slope = xy / xx;
    let fit = if yy == 0.0 { 1.0 } else { (xy * xy) / (xx * yy) };
    Some(Line { slope, intercept: height - slope * middle, fit })
}

/// A count as a number to calculate with; exact below 2³².
pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{summary, trend};

    #[test]
    fn a_summary_is_the_textbook_one() {
        let found = summary(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((found.mean, found.median), (5.0, 4.5));
        assert!((found.deviation.unwrap() - 2.138).abs() < 0.001);
        assert_eq!(found.quartiles, (4.0, 5.5));
        let line = trend(&[1.0, 3.0, 5.0]).unwrap();
        assert_eq!((line.slope, line.intercept, line.fit), (2.0, 1.0, 1.0));
    }
}
