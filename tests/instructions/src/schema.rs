//! Validation of arguments, by the short cut and by the full validator.

use crate::path::{self, Path};
use serde_json::{Value, json};
use std::hint::black_box;
use tenon_mcp::__private::Schema;
use tenon_mcp::JsonSlice;

pub struct Validate {
    schema: Schema,
    good: JsonSlice,
    bad: Option<JsonSlice>,
    found: (bool, bool),
}

impl Validate {
    fn new(schema: Value, good: Value, bad: Option<Value>) -> Validate {
        let schema = Schema::compile(JsonSlice::from_value(&schema)).expect("the schema is valid");
        let bad = bad.as_ref().map(JsonSlice::from_value);
        Validate { schema, good: JsonSlice::from_value(&good), bad, found: (false, false) }
    }

    /// What most tools have: arguments of plain types.
    pub fn plain() -> Validate {
        Validate::new(path::plain_schema(), path::arguments(), None)
    }

    /// Keywords that need the validator, once with a value that conforms and once with one that does not.
    pub fn fully() -> Validate {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "minLength": 1, "maxLength": 80 },
                "kind": { "enum": ["city", "region", "country"] },
                "points": {
                    "type": "array",
                    "maxItems": 16,
                    "items": {
                        "type": "object",
                        "properties": { "x": { "type": "number", "minimum": -180 }, "y": { "type": "number" } },
                        "required": ["x", "y"],
                    },
                },
                "code": { "type": "string", "pattern": "^[A-Z]{2}-[0-9]{1,4}$" },
                "when": { "anyOf": [{ "type": "integer" }, { "type": "string", "maxLength": 10 }] },
            },
            "required": ["name", "kind", "points"],
        });
        let points: Vec<_> = (0..8).map(|n| json!({ "x": n, "y": f64::from(n) / 4.0 })).collect();
        let good = json!({ "name": "Váh", "kind": "region", "points": points, "code": "SK-42", "when": "2026-07-28" });
        let mut bad = good.clone();
        bad["points"][5]["y"] = json!("north");
        Validate::new(schema, good, Some(bad))
    }
}

impl Path for Validate {
    fn work(&mut self) {
        let good = self.schema.check(black_box(&self.good)).is_ok();
        let bad = self.bad.as_ref().is_none_or(|bad| self.schema.check(black_box(bad)).is_err());
        self.found = (good, bad);
    }

    fn finish(&mut self) {
        assert_eq!(self.found, (true, true));
    }
}
