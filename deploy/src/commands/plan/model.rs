//! The arithmetic of queues and of spare parts; pure.

/// CPU milliseconds a second by the rate at which something is done: what is used without any, and by each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Line {
    pub(super) base: f64,
    pub(super) each: f64,
}

impl Line {
    /// Least squares through (rate, milliseconds a second); through the origin where the points would have less than
    /// nothing used at rest, or where there is one alone.
    pub(super) fn through(points: &[(f64, f64)]) -> Self {
        let sum = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
        let count = sum(|_| 1.0);
        let (x, y, xx, xy) = (sum(|p| p.0), sum(|p| p.1), sum(|p| p.0 * p.0), sum(|p| p.0 * p.1));
        let spread = count * xx - x * x;
        let each = if spread > 0.0 { (count * xy - x * y) / spread } else { 0.0 };
        let base = if count > 0.0 { (y - each * x) / count } else { 0.0 };
        if spread > 0.0 && base >= 0.0 && each > 0.0 {
            return Self { base, each };
        }
        Self { base: 0.0, each: if xx > 0.0 { xy / xx } else { 0.0 } }
    }

    pub(super) fn at(self, rate: f64) -> f64 {
        self.base + self.each * rate
    }
}

/// Erlang's C: the probability that who comes has to wait, with `servers` and so much offered to them (in erlangs); 1 where
/// more is offered than they can do. By way of Erlang's B, whose recursion is stable (Cooper, Introduction to Queueing
/// Theory, 1981, section 3.4).
pub(super) fn erlang_c(servers: u32, offered: f64) -> f64 {
    let all = f64::from(servers);
    if offered >= all {
        return 1.0;
    }
    let blocked = (1..=servers).fold(1.0, |b, n| offered * b / (f64::from(n) + offered * b));
    blocked / (1.0 - offered / all * (1.0 - blocked))
}

/// Mean wait in an M/G/k queue by Allen and Cunneen: that of M/M/k by (Ca² + Cs²) / 2, where Ca² = 1; with one server it is
/// Pollaczek and Khinchine's, which is exact. In the unit of `service`.
pub(super) fn wait(servers: u32, offered: f64, service: f64, scv: f64) -> f64 {
    let idle = f64::from(servers) - offered;
    if idle <= 0.0 {
        return f64::INFINITY;
    }
    erlang_c(servers, offered) * service / idle * f64::midpoint(1.0, scv)
}

/// Which wait 99 of 100 stay below; of those who wait at all, the waits are taken to be exponential, as in M/M/k.
pub(super) fn wait_p99(servers: u32, offered: f64, service: f64, scv: f64) -> f64 {
    let waits = erlang_c(servers, offered);
    if waits <= 0.01 {
        return 0.0;
    }
    wait(servers, offered, service, scv) / waits * (waits / 0.01).ln()
}

/// How probable it is that at least `needed` of `all` are there, each with the probability `up`.
pub(super) fn at_least(needed: u32, all: u32, up: f64) -> f64 {
    // From all of them down: C(all, n) up^n (1 - up)^(all - n).
    let (mut term, mut sum) = (up.powi(i32::try_from(all).unwrap_or(i32::MAX)), 0.0);
    for n in (needed..=all).rev() {
        sum += term;
        term *= f64::from(n) / f64::from(all - n + 1) * (1.0 - up) / up;
    }
    sum
}

/// How many there have to be so that `needed` are there with one that is down (N + 1), with one of `zones` gone over which
/// they are spread evenly, and for `availability` of the time; none where no thousand more would do.
pub(super) fn with_spare(needed: u32, zones: u32, up: f64, availability: f64) -> Option<u32> {
    let is_enough = |all: &u32| {
        let left = if zones > 1 { all - all.div_ceil(zones) } else { *all };
        left >= needed && at_least(needed, *all, up) >= availability
    };
    (needed + 1..=needed * 2 + 1_000).find(is_enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) {
        assert!((one - other).abs() < 5e-4, "{one} is not {other}");
    }

    #[test]
    fn erlangs_c_is_that_of_the_tables() {
        for (servers, offered, waits) in [
            (1, 0.5, 0.5),
            (2, 1.0, 0.3333),
            (3, 2.0, 0.4444),
            (5, 4.0, 0.5541),
            (10, 8.0, 0.4092),
            (10, 5.0, 0.0361),
            (2, 2.0, 1.0),
        ] {
            near(erlang_c(servers, offered), waits);
        }
    }

    #[test]
    fn with_one_server_the_wait_is_pollaczek_and_khinchines() {
        // M/D/1, M/M/1 and one that varies more: rho * S * (1 + Cs²) / 2 / (1 - rho).
        near(wait(1, 0.8, 1.0, 0.0), 2.0);
        near(wait(1, 0.8, 1.0, 1.0), 4.0);
        near(wait(1, 0.5, 10.0, 3.0), 20.0);
        near(wait(2, 1.0, 1.0, 1.0), 0.3333);
        assert_eq!(wait(2, 2.0, 1.0, 1.0), f64::INFINITY);
        // M/M/1: P(W > t) = rho * exp(-(1 - rho) t / S).
        near(wait_p99(1, 0.8, 1.0, 1.0), (0.8_f64 / 0.01).ln() / 0.2);
        near(wait_p99(10, 1.0, 1.0, 1.0), 0.0);
    }

    #[test]
    fn what_is_spare_outlasts_one_zone_and_the_time_that_each_is_down() {
        near(at_least(1, 2, 0.9), 0.99);
        near(at_least(2, 3, 0.9), 0.972);
        near(at_least(0, 3, 0.5), 1.0);
        assert_eq!(with_spare(2, 1, 0.999, 0.999), Some(3), "N + 1");
        assert_eq!(with_spare(4, 3, 0.999, 0.999), Some(6), "a third goes with its zone");
        assert_eq!(with_spare(1, 1, 0.9, 0.999), Some(3), "two at once are down too often");
        assert_eq!(with_spare(1, 1, 0.0001, 0.999_999), None);
    }

    #[test]
    fn a_line_goes_through_its_points_and_never_below_nothing() {
        assert_eq!(Line::through(&[(10.0, 25.0), (20.0, 45.0)]), Line { base: 5.0, each: 2.0 });
        assert_eq!(Line::through(&[(10.0, 30.0)]), Line { base: 0.0, each: 3.0 });
        assert_eq!(Line::through(&[(10.0, 10.0), (20.0, 40.0)]).base, 0.0);
        assert_eq!(Line::through(&[]).at(7.0), 0.0);
    }
}
