//! Subscriptions to changes: the filter of `subscriptions/listen`, and the notifications (digest 7.7).

use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::messages::error::RpcError;
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::Params;
use crate::proto::operation::outgoing;
use crate::proto::session::capability::{Capabilities, Capability};
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::Arc;

/// The `_meta` key of every notification of a listen stream, and of the response that ends it (META-7).
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

const RESOURCES: &str = "resourceSubscriptions";
const TASKS: &str = "taskIds";
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// A topic: something that changes, and that clients can subscribe to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The list of a capability.
    List(Capability),
    /// The resource with exactly this URI.
    Resource(Arc<str>),
    /// The task with this id.
    Task(Arc<str>),
}

impl Topic {
    fn method(&self) -> &'static str {
        match self {
            Topic::List(capability) => capability.list_changed().unwrap_or_default(),
            Topic::Resource(_) => "notifications/resources/updated",
            Topic::Task(_) => "notifications/tasks",
        }
    }

    /// The URI or the id; empty for a list.
    pub fn name(&self) -> &str {
        match self {
            Topic::List(_) => "",
            Topic::Resource(name) | Topic::Task(name) => name,
        }
    }

    /// The notification of a change, for the listen stream with this request id or for a legacy session. `detail` has
    /// further parameters, an object.
    pub fn notification(&self, detail: Option<&JsonSlice>, stream: Option<&RequestId>) -> Bytes {
        let size = self.name().len() + detail.map_or(0, |detail| detail.as_bytes().len());
        let mut out = JsonWriter::with_capacity(160 + size);
        out.begin_object().key("jsonrpc").str("2.0").key("method").str(self.method());
        let uri = match self {
            Topic::Resource(uri) => Some(uri),
            _ => None,
        };
        if uri.is_some() || detail.is_some() || stream.is_some() {
            out.key("params").begin_object();
            if let Some(id) = stream {
                tag(&mut out, id);
            }
            if let Some(uri) = uri {
                out.key("uri").str(uri);
            }
            if let Some(detail) = detail {
                for member in detail.members() {
                    out.key(&member.name(detail.as_bytes())).slice(&detail.subslice(member.value));
                }
            }
            out.end_object();
        }
        out.end_object();
        out.into_bytes()
    }
}

/// Writes the id of the stream's request, as the client wrote it (SU-5).
fn tag(out: &mut JsonWriter, id: &RequestId) {
    out.key("_meta").begin_object().key(SUBSCRIPTION_ID).slice(id.raw()).end_object();
}

/// The topics of a listen stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The capabilities whose lists are included.
    pub lists: Capabilities,
    /// The URIs of resources, without duplicates.
    pub resources: Vec<Arc<str>>,
    /// The ids of tasks, without duplicates; `None` if the member is missing.
    pub tasks: Option<Vec<Arc<str>>>,
}

impl Filter {
    /// Reads the parameters of `subscriptions/listen`. Unknown members are ignored. Members of a wrong type are
    /// refused; the error names them (SU-13).
    pub fn read(params: &Params) -> Result<Filter, RpcError> {
        let wrong = |name: &str, what: &str| {
            Err(RpcError::invalid_params(format!("Invalid params: notifications{name} must be {what}")))
        };
        let asked = match params.get("notifications") {
            Some(asked) if asked.kind() == Kind::Object => asked,
            _ => return wrong("", "an object"),
        };
        let mut filter = Filter::default();
        for (capability, name) in Capability::changing() {
            match asked.member(name).map(|value| value.kind()) {
                None | Some(Kind::False) => {}
                Some(Kind::True) => filter.lists = filter.lists.with(capability),
                Some(_) => return wrong(&format!(".{name}"), "a boolean"),
            }
        }
        let texts = |name: &str| {
            let Some(value) = asked.member(name) else { return Ok(None) };
            match texts(&value) {
                Some(texts) => Ok(Some(texts)),
                None => wrong(&format!(".{name}"), "an array of strings").map(|_: Filter| None),
            }
        };
        filter.resources = texts(RESOURCES)?.unwrap_or_default();
        filter.tasks = texts(TASKS)?;
        Ok(filter)
    }

    /// The topics of the filter.
    pub fn topics(&self) -> Vec<Topic> {
        let lists = Capability::changing().map(|(capability, _)| capability);
        let lists = lists.filter(|capability| self.lists.has(*capability)).map(Topic::List);
        let resources = self.resources.iter().cloned().map(Topic::Resource);
        let tasks = self.tasks.iter().flatten().cloned().map(Topic::Task);
        lists.chain(resources).chain(tasks).collect()
    }

    /// The number of URIs and ids in the filter, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        let names = || self.resources.iter().chain(self.tasks.iter().flatten());
        (names().count(), names().map(|name| name.len()).sum())
    }

    /// The acknowledgement, which is the first message of the stream. It contains the supported part of the filter
    /// (SU-2, SU-4).
    pub fn acknowledgement(&self, id: &RequestId) -> Bytes {
        let mut out = JsonWriter::with_capacity(192 + self.size().1);
        out.begin_object().key("jsonrpc").str("2.0").key("method").str(ACKNOWLEDGED);
        out.key("params").begin_object();
        tag(&mut out, id);
        out.key("notifications").begin_object();
        for (_, name) in Capability::changing().filter(|(capability, _)| self.lists.has(*capability)) {
            out.key(name).bool(true);
        }
        let tasks = self.tasks.as_deref().unwrap_or_default();
        for (name, texts) in [(RESOURCES, &self.resources[..]), (TASKS, tasks)] {
            if !texts.is_empty() {
                out.key(name).begin_array();
                for text in texts {
                    out.str(text);
                }
                out.end_array();
            }
        }
        out.end_object().end_object().end_object();
        out.into_bytes()
    }
}

/// The strings of an array of strings, without duplicates.
fn texts(value: &JsonSlice) -> Option<Vec<Arc<str>>> {
    let elements = || value.elements();
    if value.kind() != Kind::Array || elements().any(|element| element.kind() != Kind::String) {
        return None;
    }
    let mut seen = HashSet::new();
    let texts = elements().filter_map(|element| element.decode_str().map(|text| Arc::<str>::from(&*text)));
    Some(texts.filter(|text| seen.insert(text.clone())).collect())
}

/// The cancellation that follows the end of a subscription on a channel (SU-8).
pub fn cancelled(id: &RequestId, reason: &str) -> Bytes {
    let mut out = JsonWriter::with_capacity(128);
    out.begin_object().key("jsonrpc").str("2.0").key("method").str(outgoing::CANCELLED);
    out.key("params").begin_object().key("requestId").slice(id.raw()).key("reason").str(reason);
    out.end_object().end_object();
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;
    use crate::proto::messages::message::Message;

    fn read(notifications: &str) -> Result<Filter, String> {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{notifications}}}}}"#
        );
        match Message::decode(text.into(), &Limits::default()) {
            Ok(Message::Request(request)) => Filter::read(&request.params).map_err(|error| error.message),
            other => panic!("{other:?}"),
        }
    }

    fn id(text: &'static str) -> RequestId {
        RequestId::new(JsonSlice::from_trusted(Bytes::from_static(text.as_bytes()))).unwrap()
    }

    /// SU-13.
    #[test]
    fn members_of_a_wrong_type_are_refused_by_name() {
        for (text, why) in [
            ("7", "notifications must be an object"),
            ("null", "notifications must be an object"),
            (r#"{"toolsListChanged":1}"#, "notifications.toolsListChanged must be a boolean"),
            (r#"{"promptsListChanged":null}"#, "notifications.promptsListChanged must be a boolean"),
            (
                r#"{"resourceSubscriptions":"a:b"}"#,
                "notifications.resourceSubscriptions must be an array of strings",
            ),
            (
                r#"{"resourceSubscriptions":["a:b",1]}"#,
                "notifications.resourceSubscriptions must be an array of strings",
            ),
            (r#"{"taskIds":{}}"#, "notifications.taskIds must be an array of strings"),
        ] {
            assert_eq!(read(text).unwrap_err(), format!("Invalid params: {why}"), "{text}");
        }
    }

    #[test]
    fn what_is_asked_for_twice_is_there_once_and_what_nobody_knows_is_passed_over() {
        let filter = read(
            r#"{"promptsListChanged":true,"toolsListChanged":false,"resourceSubscriptions":["a:b","c:d","a:\u0062"],"else":7}"#,
        );
        let filter = filter.unwrap();
        assert_eq!(filter.topics().len(), 3);
        assert_eq!(filter.size(), (2, 6));
        let told = filter.acknowledgement(&id("7"));
        assert_eq!(
            std::str::from_utf8(&told).unwrap(),
            r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7},"notifications":{"promptsListChanged":true,"resourceSubscriptions":["a:b","c:d"]}}}"#
        );
    }

    /// SU-5.
    #[test]
    fn a_notification_is_tagged_for_streams_alone() {
        let text = |topic: &Topic, detail: Option<&JsonSlice>, stream: Option<&RequestId>| {
            String::from_utf8(topic.notification(detail, stream).to_vec()).unwrap()
        };
        let (list, resource) = (Topic::List(Capability::Tools), Topic::Resource("a:b".into()));
        let meta = r#""_meta":{"io.modelcontextprotocol/subscriptionId":"7"}"#;
        let change = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed""#;
        assert_eq!(text(&list, None, None), format!("{change}}}"));
        assert_eq!(text(&list, None, Some(&id(r#""7""#))), format!(r#"{change},"params":{{{meta}}}}}"#));
        let update = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"#;
        assert_eq!(text(&resource, None, None), format!(r#"{update}"uri":"a:b"}}}}"#));
        let detail = JsonSlice::from_trusted(Bytes::from_static(br#"{"taskId":"t"}"#));
        assert_eq!(
            text(&Topic::Task("t".into()), Some(&detail), Some(&id(r#""7""#))),
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/tasks","params":{{{meta},"taskId":"t"}}}}"#)
        );
    }
}
