//! Room that is divided among several replies, so that a long one leaves a short one its place.

/// Max-min fair shares: nobody gets more than they need, and what the others leave is divided equally among those who
/// need more.
pub(super) fn fair(room: usize, needs: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|&at| needs[at]);
    let (mut left, mut shares) = (room, vec![0; needs.len()]);
    for (served, at) in order.into_iter().enumerate() {
        shares[at] = needs[at].min(left / (needs.len() - served));
        left -= shares[at];
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_needs_little_gets_it_and_the_others_share_the_rest() {
        assert_eq!(fair(100, &[1_000_000, 50]), [50, 50]);
        assert_eq!(fair(100, &[1_000, 10, 1_000]), [45, 10, 45]);
        assert_eq!(fair(100, &[20, 30]), [20, 30]);
        assert_eq!((fair(0, &[5]), fair(10, &[])), (vec![0], vec![]));
    }
}
