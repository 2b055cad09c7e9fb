//! The table of a listener's routes.

use crate::dispatch::path_pattern::PathPattern;
use crate::runtime::http::routes::route::Route;
use std::time::Instant;

/// The routes of one listener. A listener has few routes, so the search is linear.
#[derive(Default)]
pub(in crate::runtime::http) struct RouteTable {
    exact: Vec<Route>,
    /// The routes with a prefix, the longest prefix first.
    prefixes: Vec<Route>,
}

impl RouteTable {
    /// Adds a route. Returns the name of the route that has the same path already, if there is one.
    pub(in crate::runtime::http) fn add(&mut self, route: Route) -> Result<(), &'static str> {
        if let Some(present) = self.routes().find(|present| present.path.is_same(&route.path)) {
            return Err(present.name);
        }
        match route.path {
            PathPattern::Exact(_) => self.exact.push(route),
            PathPattern::Prefix(_) => {
                let length = route.path.path().len();
                let place = self.prefixes.partition_point(|present| present.path.path().len() >= length);
                self.prefixes.insert(place, route);
            }
        }
        Ok(())
    }

    /// Finds the route for a path. An exact path is preferred to a prefix, and a longer prefix to a shorter one, in
    /// whatever order they were added.
    pub(in crate::runtime::http) fn find(&self, path: &str) -> Option<&Route> {
        self.routes().find(|route| route.path.matches(path))
    }

    /// Runs the periodic work of the routes.
    pub(in crate::runtime::http) fn tick(&self, now: Instant) {
        self.routes().for_each(|route| route.handler.tick(now));
    }

    /// Ends the streams of the routes at shutdown.
    pub(in crate::runtime::http) fn end(&self) {
        self.routes().for_each(|route| route.handler.end());
    }

    /// The routes in the order in which they are searched.
    fn routes(&self) -> impl Iterator<Item = &Route> {
        self.exact.iter().chain(&self.prefixes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::http::connection::connection_state::ConnectionState;
    use crate::runtime::http::routes::route::{Answering, RouteHandler, RouteRequest, RouteTarget};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts its hooks. No request reaches it.
    #[derive(Default)]
    struct Hooks {
        ticks: AtomicUsize,
        ends: AtomicUsize,
    }

    impl RouteHandler for Hooks {
        fn answer<'r>(&'r self, _: RouteRequest<'r>, _: &'r Arc<ConnectionState>) -> Answering<'r> {
            unreachable!("the test sends no request")
        }

        fn tick(&self, _: Instant) {
            self.ticks.fetch_add(1, Ordering::Relaxed);
        }

        fn end(&self) {
            self.ends.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn exact(path: &str) -> PathPattern {
        path.into()
    }

    fn prefix(path: &str) -> PathPattern {
        PathPattern::Prefix(path.to_owned())
    }

    fn table(rows: &[(&'static str, PathPattern)], hooks: &Arc<Hooks>) -> Result<RouteTable, &'static str> {
        let mut table = RouteTable::default();
        for (name, path) in rows.iter().cloned() {
            table.add(Route { name, path, methods: None, handler: RouteTarget::Other(hooks.clone()) })?;
        }
        Ok(table)
    }

    fn name_at(table: &RouteTable, path: &str) -> Option<&'static str> {
        table.find(path).map(|route| route.name)
    }

    #[test]
    fn the_most_specific_route_answers_in_any_order() {
        let rows = [
            ("all", prefix("/")),
            ("exact", exact("/a")),
            ("short", prefix("/a")),
            ("long", prefix("/a/b")),
            ("below", exact("/a/b/c")),
        ];
        let mut orders = vec![rows.to_vec(), rows.iter().rev().cloned().collect()];
        orders.extend((1..rows.len()).map(|by| [&rows[by..], &rows[..by]].concat()));
        for order in orders {
            let table = table(&order, &Arc::default()).unwrap();
            for (path, name) in [
                ("/", "all"),
                ("/x", "all"),
                ("/ab", "all"),
                ("/a", "exact"),
                ("/a/", "exact"),
                ("/a/x", "short"),
                ("/a/bc", "short"),
                ("/a/b", "long"),
                ("/a/b/x", "long"),
                ("/a/b/c", "below"),
                ("/a/b/c/d", "long"),
            ] {
                assert_eq!(name_at(&table, path), Some(name), "{path}");
            }
            assert_eq!(name_at(&table, "*"), None);
        }
    }

    #[test]
    fn a_path_has_one_route_and_a_prefix_has_one_route() {
        let add = |first: PathPattern, second: PathPattern| {
            table(&[("first", first), ("second", second)], &Arc::default()).map(drop)
        };
        assert_eq!(add(exact("/a"), exact("/a")), Err("first"));
        assert_eq!(add(exact("/a"), exact("/a/")), Err("first"));
        assert_eq!(add(prefix("/a"), prefix("/a/")), Err("first"));
        assert_eq!(add(exact("/a"), prefix("/a")), Ok(()));
        assert_eq!(add(prefix("/a"), prefix("/a/b")), Ok(()));
    }

    #[test]
    fn each_route_is_ticked_and_ended() {
        let hooks = Arc::default();
        let table = table(&[("a", exact("/a")), ("all", prefix("/")), ("b", exact("/b"))], &hooks).unwrap();
        table.tick(Instant::now());
        table.tick(Instant::now());
        table.end();
        assert_eq!((hooks.ticks.load(Ordering::Relaxed), hooks.ends.load(Ordering::Relaxed)), (6, 3));
    }
}
