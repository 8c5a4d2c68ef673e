//! What a server offers.

use std::{future::Future, time::Duration};

use rmcp::{
    model::{Prompt, Resource, Tool},
    service::ServiceError,
};
use tokio::time::timeout;

use super::{Client, failure::Failure};

/// What a server offers.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) tools: Vec<Tool>,
    pub(super) resources: Vec<Resource>,
    pub(super) prompts: Vec<Prompt>,
}

impl Offer {
    /// Asks for what the server says it has. A server that has none of a kind need not know the
    /// method.
    pub(super) async fn of(client: &Client, limit: Duration) -> Result<Self, Failure> {
        let Some(info) = client.peer_info() else { return Ok(Self::default()) };
        let mut offer = Self::default();
        if info.capabilities.tools.is_some() {
            offer.tools = ask("tools/list", limit, client.list_all_tools()).await?;
        }
        if info.capabilities.resources.is_some() {
            offer.resources = ask("resources/list", limit, client.list_all_resources()).await?;
        }
        if info.capabilities.prompts.is_some() {
            offer.prompts = ask("prompts/list", limit, client.list_all_prompts()).await?;
        }
        Ok(offer)
    }
}

/// Waits for an answer, but not for ever.
pub(super) async fn ask<T>(
    method: &'static str,
    limit: Duration,
    answer: impl Future<Output = Result<T, ServiceError>>,
) -> Result<T, Failure> {
    match timeout(limit, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Failure::Request { method, error: error.to_string() }),
        Err(_) => Err(Failure::RequestTimeout { method, limit }),
    }
}
