//! Random histories of calls, compared with a model, in virtual time.

use super::*;

/// A limit in the model: the calls that each key has made.
struct Limit {
    amount: usize,
    per: u64,
    burst: Option<u64>,
    by: Vec<&'static str>,
    made: std::collections::BTreeMap<Vec<usize>, Vec<u64>>,
}

impl Limit {
    fn random(random: &mut Random) -> Limit {
        let keys = [
            vec![],
            vec!["entry"],
            vec!["principal"],
            vec!["arguments.city"],
            vec!["arguments.city", "principal"],
        ];
        Limit {
            amount: 1 + random.below(4),
            per: 1000 * (1 + random.below(4) as u64),
            burst: (random.below(3) == 0).then(|| 1 + random.below(3) as u64),
            by: keys[random.below(keys.len())].clone(),
            made: Default::default(),
        }
    }

    fn key(&self, principal: usize, city: usize) -> Vec<usize> {
        let value = |key: &&str| match *key {
            "principal" => principal,
            "arguments.city" => city,
            _ => 0,
        };
        self.by.iter().map(value).collect()
    }

    /// The time until a call can be made, in milliseconds.
    fn wait(&self, key: &[usize], now: u64) -> u64 {
        let Some(made) = self.made.get(key) else { return 0 };
        match self.burst {
            // The earliest time at which fewer than `amount` calls are in the last period.
            None if made.len() < self.amount => 0,
            None => (made[made.len() - self.amount] + self.per).saturating_sub(now),
            Some(burst) => {
                let each = self.per / self.amount as u64;
                // When everything has come back.
                let full = made.iter().fold(0, |full, at| full.max(*at) + each);
                (full + each).saturating_sub(now + burst * each)
            }
        }
    }

    fn option(&self) -> Value {
        let mut option = json!({ "amount": self.amount, "per": self.per, "by": self.by });
        if let Some(burst) = self.burst {
            option["burst"] = burst.into();
        }
        option
    }
}

#[test]
fn as_many_calls_are_admitted_as_the_limits_allow() {
    const BENCHES: u64 = 100;
    const HISTORIES: usize = 100;
    let (mut admitted, mut refused) = (0, 0);
    for seed in 0..BENCHES {
        let bench = Bench::new();
        let callers = ["ann", "ben", "cai"].map(|name| Caller::new(Some(name)));
        let mut random = Random((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut now = 0;
        for history in 0..HISTORIES {
            let mut limits: Vec<_> = (0..1 + random.below(3)).map(|_| Limit::random(&mut random)).collect();
            // A bucket's calls come back in whole milliseconds.
            limits.retain(|limit| limit.burst.is_none() || limit.per % limit.amount as u64 == 0);
            if limits.is_empty() {
                continue;
            }
            // Limits of single callers are asked first.
            limits.sort_by_key(|limit| matches!(limit.by[..], [] | ["entry"]));
            let tool = format!("tool{history}");
            let options: Vec<_> = limits.iter().map(Limit::option).collect();
            add(&bench, &tool, json!({ "rate_limit": options }));
            for _ in 0..12 {
                let pause = [0, 0, 1, 250, 999, 1000, 1700][random.below(7)];
                bench.environment.pass(Duration::from_millis(pause));
                now += pause;
                let (principal, city) = (random.below(3), random.below(2));
                let answer = callers[principal].call(&bench, &tool, json!({ "city": city }));
                let waits = |limit: &Limit| limit.wait(&limit.key(principal, city), now);
                match limits.iter().map(waits).find(|wait| *wait > 0) {
                    None => {
                        assert!(answer.get("result").is_some(), "{seed} {history}: {answer}");
                        admitted += 1;
                        for limit in &mut limits {
                            let key = limit.key(principal, city);
                            limit.made.entry(key).or_default().push(now);
                        }
                    }
                    Some(wait) => {
                        assert_eq!(
                            answer["error"]["data"]["retryAfterMs"], wait,
                            "{seed} {history}: {answer}"
                        );
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(admitted > 10_000 && refused > 10_000, "{admitted} admitted, {refused} refused");
}
