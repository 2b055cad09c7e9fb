//! Random histories of calls, compared with a model, in virtual time.

use super::*;
use std::collections::BTreeMap;

/// A result in the model.
struct Stored {
    text: String,
    fresh_until: u64,
    used: u64,
}

/// A run of the handler in the model.
struct Run {
    id: CallId,
    key: usize,
    /// The call that gets the result; `None` for a renewal.
    call: Option<(usize, u64)>,
    waiting: Vec<(usize, u64)>,
}

/// The cache in the model. Its times are in milliseconds.
struct Model {
    ttl: u64,
    if_error: u64,
    revalidate: u64,
    most: usize,
    public: bool,
    now: u64,
    uses: u64,
    kept: BTreeMap<usize, Stored>,
    runs: Vec<Run>,
}

/// What a call gets in the model.
enum Gets {
    Text(String, bool),
    Runs,
    Waits,
}

impl Model {
    fn random(random: &mut Random) -> Model {
        Model {
            ttl: 1000 * (1 + random.below(3) as u64),
            if_error: [0, 1500, 5000][random.below(3)],
            revalidate: [0, 1500, 5000][random.below(3)],
            most: 1 + random.below(3),
            public: random.below(2) == 0,
            now: 0,
            uses: 0,
            kept: BTreeMap::new(),
            runs: Vec::new(),
        }
    }

    fn option(&self) -> Value {
        let mut option = json!({ "ttl": self.ttl, "max_entries": self.most, "public": self.public });
        for (name, time) in [("stale_if_error", self.if_error), ("stale_while_revalidate", self.revalidate)] {
            if time > 0 {
                option[name] = time.into();
            }
        }
        option
    }

    fn key(&self, caller: usize, city: usize) -> usize {
        if self.public { city } else { 10 * (caller + 1) + city }
    }

    /// The text of a key that was fresh less than `time` ago.
    fn within(&mut self, key: usize, time: u64) -> Option<String> {
        let now = self.now;
        let kept = self.kept.get_mut(&key).filter(|kept| now < kept.fresh_until + time)?;
        self.uses += 1;
        kept.used = self.uses;
        Some(kept.text.clone())
    }

    fn call(&mut self, caller: (usize, u64), key: usize) -> Gets {
        let runs = self.runs.iter().any(|run| run.key == key);
        if let Some(text) = self.within(key, 0) {
            return Gets::Text(text, false);
        }
        if let Some(text) = self.within(key, self.revalidate) {
            return Gets::Text(text, !runs);
        }
        // What is too old for any use is dropped; anything else counts as used.
        if self.within(key, self.if_error).is_none() {
            self.kept.remove(&key);
        }
        match self.runs.iter_mut().find(|run| run.key == key) {
            Some(run) => {
                run.waiting.push(caller);
                Gets::Waits
            }
            None => Gets::Runs,
        }
    }

    fn keep(&mut self, key: usize, text: &str) {
        self.kept.remove(&key);
        while self.kept.len() >= self.most {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key).unwrap();
            self.kept.remove(&oldest);
        }
        self.uses += 1;
        let kept = Stored { text: text.to_owned(), fresh_until: self.now + self.ttl, used: self.uses };
        self.kept.insert(key, kept);
    }
}

/// The calls that get a text, or an error, at the end of a run.
fn expect(callers: &[Caller], run: &Run, expected: Result<&str, ()>, told: &mut BTreeMap<usize, Vec<Value>>) {
    for (caller, id) in run.call.iter().chain(&run.waiting) {
        let messages = told.entry(*caller).or_insert_with(|| callers[*caller].sink.take());
        let place = messages.iter().position(|message| message["id"] == *id);
        let message = messages.remove(place.unwrap_or_else(|| panic!("no answer to {id}: {messages:?}")));
        let text = result_text(&message).to_owned();
        match expected {
            Ok(expected) => assert_eq!(text, expected),
            Err(()) => assert!(message["result"]["isError"] == true && text.contains("boom"), "{text}"),
        }
    }
}

#[test]
fn calls_get_what_the_model_says() {
    const HISTORIES: u64 = 10_000;
    let mut seen = BTreeMap::<&str, usize>::new();
    let mut count = |what| *seen.entry(what).or_default() += 1;
    for seed in 1..=HISTORIES {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut model = Model::random(&mut random);
        let bench = bench(json!({ "cache": model.option() }));
        let callers = ["ann", "ben"].map(|name| Caller::new(Some(name.into())));
        for step in 0..20 {
            match random.below(8) {
                0..=3 => {
                    let (caller, city) = (random.below(2), random.below(2));
                    let key = model.key(caller, city);
                    let id = callers[caller].start(&bench, json!({ "city": city }));
                    let gets = model.call((caller, id), key);
                    let mut begun = begun(&bench).into_iter();
                    match gets {
                        Gets::Text(text, renews) => {
                            assert_eq!(result_text(&callers[caller].sink.one()), text, "{seed} {step}");
                            count(if renews { "renewal" } else { "hit" });
                            if renews {
                                let id = begun.next().expect("a renewal").id;
                                model.runs.push(Run { id, key, call: None, waiting: Vec::new() });
                            }
                        }
                        Gets::Runs => {
                            let call = begun.next().unwrap_or_else(|| panic!("no run: {seed} {step}"));
                            count("run");
                            let (id, call) = (call.id, Some((caller, id)));
                            model.runs.push(Run { id, key, call, waiting: Vec::new() });
                        }
                        Gets::Waits => count("wait"),
                    }
                    assert!(begun.next().is_none(), "{seed} {step}");
                }
                4 => {
                    let by = [1, 500, 1000, 2000, 3000][random.below(5)];
                    bench.advance(Duration::from_millis(by));
                    model.now += by;
                }
                5 | 6 if !model.runs.is_empty() => {
                    let run = model.runs.swap_remove(random.below(model.runs.len()));
                    let mut told = BTreeMap::new();
                    if random.below(2) > 0 {
                        let text = format!("{seed} {step}");
                        done(&bench, run.id, &text);
                        model.keep(run.key, &text);
                        expect(&callers, &run, Ok(&text), &mut told);
                    } else {
                        bench.port.complete(run.id, raised()).unwrap();
                        let stale =
                            if model.if_error > 0 { model.within(run.key, model.if_error) } else { None };
                        count(if stale.is_some() { "stale" } else { "failure" });
                        expect(&callers, &run, stale.as_deref().ok_or(()), &mut told);
                    }
                    assert!(told.values().all(Vec::is_empty), "{seed} {step}: {told:?}");
                }
                7 if !model.runs.is_empty() => {
                    let place = random.below(model.runs.len());
                    // Cancels the call that runs, or one that waits.
                    let run = &mut model.runs[place];
                    let who = random.below(1 + run.waiting.len());
                    if who > 0 {
                        let (caller, id) = run.waiting.remove(who - 1);
                        callers[caller].cancel(&bench, id);
                        continue;
                    }
                    let Some((caller, id)) = run.call else { continue };
                    callers[caller].cancel(&bench, id);
                    let mut begun = begun(&bench).into_iter();
                    if run.waiting.is_empty() {
                        model.runs.remove(place);
                    } else {
                        run.call = Some(run.waiting.remove(0));
                        run.id =
                            begun.next().unwrap_or_else(|| panic!("nobody takes over: {seed} {step}")).id;
                        count("taken over");
                    }
                    assert!(begun.next().is_none(), "{seed} {step}");
                }
                _ => {}
            }
            callers.iter().for_each(|caller| caller.sink.nothing());
        }
        for run in &model.runs {
            done(&bench, run.id, "the end");
        }
        assert_eq!(bench.engine.in_flight(), 0, "{seed}");
    }
    assert!(seen.len() == 7 && seen.values().all(|times| *times > 300), "{seen:?}");
}
