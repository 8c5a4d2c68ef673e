//! What a method makes of the params.

#![expect(deprecated, reason = "servers of older protocol versions still ask for these")]

use std::{fmt, marker::PhantomData};

use rmcp::model::{
    CancelledNotification, ConstString, CreateMessageRequest, ElicitRequest, Extensions,
    JsonObject, JsonRpcMessage, ListRootsRequest, LoggingMessageNotification, Notification,
    NotificationMetaObject, NotificationNoParam, PingRequest, ProgressNotification,
    PromptListChangedNotification, Request, RequestMetaObject, RequestNoParam,
    ResourceListChangedNotification, ResourceUpdatedNotification, ServerNotification,
    ServerRequest, SubscriptionsAcknowledgedNotification, TaskStatusNotification,
    ToolListChangedNotification,
};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, IntoDeserializer as _, MapAccess,
    Visitor, value::MapAccessDeserializer,
};

use super::directed::{Message, NO_ID, Text, undirected};

/// Reads the params of this method.
pub(super) struct Params<'a> {
    pub(super) method: &'a str,
}

macro_rules! methods {
    ($($Request:ident),+ ; $($Notification:ident),+ $(,)?) => {
        impl<'de> DeserializeSeed<'de> for Params<'_> {
            type Value = Message;

            fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Message, D::Error> {
                match self.method {
                    $($Request::METHOD => $Request::read(json).map(request),)+
                    $($Notification::METHOD => $Notification::read(json).map(notification),)+
                    _ => Err(undirected()),
                }
            }
        }

        /// A message that has no params, if its method is happy without.
        pub(super) fn without_params(method: &str) -> Option<Message> {
            match method {
                $($Request::METHOD => $Request::bare().map(request),)+
                $($Notification::METHOD => $Notification::bare().map(notification),)+
                _ => None,
            }
        }
    };
}

fn request(request: impl Into<ServerRequest>) -> Message {
    Box::new(JsonRpcMessage::request(request.into(), NO_ID))
}

fn notification(notification: impl Into<ServerNotification>) -> Message {
    Box::new(JsonRpcMessage::notification(notification.into()))
}

methods! {
    PingRequest, CreateMessageRequest, ListRootsRequest, ElicitRequest;
    CancelledNotification, ProgressNotification, LoggingMessageNotification,
    ResourceUpdatedNotification, ResourceListChangedNotification, ToolListChangedNotification,
    PromptListChangedNotification, SubscriptionsAcknowledgedNotification, TaskStatusNotification,
}

/// A type of message that its method alone determines.
trait Directed: Sized {
    const METHOD: &'static str;

    fn read<'de, D: Deserializer<'de>>(params: D) -> Result<Self, D::Error>;

    fn bare() -> Option<Self> {
        None
    }
}

macro_rules! directed {
    ($Message:ident<$Meta:ident>, $MessageNoParam:ident) => {
        impl<M: ConstString, P: for<'a> Deserialize<'a>> Directed for $Message<M, P> {
            const METHOD: &'static str = M::VALUE;

            fn read<'de, D: Deserializer<'de>>(params: D) -> Result<Self, D::Error> {
                let (params, meta) = params.deserialize_map(WithMeta(PhantomData))?;
                let mut message = Self::new(params);
                message.extensions = extensions::<$Meta>(meta);
                Ok(message)
            }
        }

        impl<M: ConstString> Directed for $MessageNoParam<M> {
            const METHOD: &'static str = M::VALUE;

            fn read<'de, D: Deserializer<'de>>(params: D) -> Result<Self, D::Error> {
                let (IgnoredAny, meta) = params.deserialize_map(WithMeta(PhantomData))?;
                Ok(Self { method: M::default(), extensions: extensions::<$Meta>(meta) })
            }

            fn bare() -> Option<Self> {
                Some(Self { method: M::default(), extensions: Extensions::new() })
            }
        }
    };
}

directed!(Request<RequestMetaObject>, RequestNoParam);
directed!(Notification<NotificationMetaObject>, NotificationNoParam);

fn extensions<T>(meta: Option<JsonObject>) -> Extensions
where
    T: From<JsonObject> + Clone + Send + Sync + 'static,
{
    let mut extensions = Extensions::new();
    if let Some(meta) = meta {
        extensions.insert(T::from(meta));
    }
    extensions
}

/// Reads params without their `_meta`, which rmcp keeps in the message's extensions, and that.
struct WithMeta<P>(PhantomData<P>);

impl<'de, P: Deserialize<'de>> Visitor<'de> for WithMeta<P> {
    type Value = (P, Option<JsonObject>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut meta = None;
        let rest = WithoutMeta { map, meta: &mut meta };
        let params = P::deserialize(MapAccessDeserializer::new(rest))?;
        Ok((params, meta))
    }
}

struct WithoutMeta<'a, A> {
    map: A,
    meta: &'a mut Option<JsonObject>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutMeta<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(Text(key)) = self.map.next_key()? {
            if key != "_meta" {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            if self.meta.replace(self.map.next_value()?).is_some() {
                return Err(undirected());
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
