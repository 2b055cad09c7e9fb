//! The table of a listener's routes.

use crate::dispatch::path_pattern::PathPattern;
use crate::runtime::http::routes::route::Route;
use std::cmp::Reverse;
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
                self.prefixes.push(route);
                self.prefixes.sort_by_key(|route| Reverse(route.path.path().len()));
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
