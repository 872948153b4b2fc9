//! k-means by Lloyd's rounds, started with the points furthest apart so that the same rows give the same groups.

const MOST_ROUNDS: usize = 100;

/// The groups found.
pub(super) struct Groups {
    pub(super) centres: Vec<Vec<f64>>,
    pub(super) group_of: Vec<usize>,
    /// Sum of squared distances to the centres.
    pub(super) inertia: f64,
    pub(super) rounds: usize,
}

/// Groups the rows; `groups` is at least one and at most the number of rows.
pub(super) fn kmeans(rows: &[Vec<f64>], groups: usize) -> Groups {
    let mut centres = furthest(rows, groups);
    let mut group_of: Vec<usize> = Vec::new();
    for round in 1..=MOST_ROUNDS {
        let next: Vec<usize> = rows.iter().map(|row| nearest(row, &centres).0).collect();
        let settled = next == group_of;
        group_of = next;
        if settled || round == MOST_ROUNDS {
            let inertia = rows.iter().map(|row| nearest(row, &centres).1).sum();
            return Groups { centres, group_of, inertia, rounds: round };
        }
        for (group, centre) in centres.iter_mut().enumerate() {
            let members = rows.iter().zip(&group_of).filter(|(_, of)| **of == group).map(|(row, _)| row);
            if let Some(middle) = middle(members) {
                *centre = middle;
            }
        }
    }
    Groups { centres, group_of, inertia: 0.0, rounds: MOST_ROUNDS }
}

fn furthest(rows: &[Vec<f64>], groups: usize) -> Vec<Vec<f64>> {
    let mut centres: Vec<Vec<f64>> = rows.first().cloned().into_iter().collect();
    while centres.len() < groups {
        let far = rows.iter().max_by(|a, b| nearest(a, &centres).1.total_cmp(&nearest(b, &centres).1));
        let Some(far) = far else { break };
        centres.push(far.clone());
    }
    centres
}

/// The nearest centre and the squared distance to it.
fn nearest(row: &[f64], centres: &[Vec<f64>]) -> (usize, f64) {
    let distance = |centre: &Vec<f64>| row.iter().zip(centre).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let distances = centres.iter().map(distance).enumerate();
    distances.reduce(|best, next| if next.1 < best.1 { next } else { best }).unwrap_or((0, 0.0))
}

fn middle<'a>(members: impl Iterator<Item = &'a Vec<f64>>) -> Option<Vec<f64>> {
    let mut count = 0.0;
    let sum = members.inspect(|_| count += 1.0).cloned().reduce(|mut sum, row| {
        sum.iter_mut().zip(row).for_each(|(a, b)| *a += b);
        sum
    })?;
    Some(sum.into_iter().map(|value| value / count).collect())
}
