//! A report for people.

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use rmcp::model::{CallToolResult, ServerPeerInfo};

use super::report::Report;

pub(super) fn print(report: &Report) {
    if let Some(server) = &report.server {
        print_server(server);
        print_offer(report);
    }
    if let Some(call) = &report.call {
        print_call(call);
    }
    print_lines("stderr", &report.stderr, report.stderr_omitted);
    print_lines("not messages, on stdout", &report.noise, 0);
    print_closing(report);
}

fn print_server(server: &ServerPeerInfo) {
    let name = server.server_info.as_ref().map_or_else(
        || "a server without a name".to_owned(),
        |info| format!("{} {}", info.name, info.version),
    );
    println!("{name}, MCP {}", server.protocol_version);
    println!("capabilities: {}", capabilities(server));
    if let Some(instructions) = &server.instructions {
        println!("instructions: {}", first_line(instructions));
    }
}

fn capabilities(server: &ServerPeerInfo) -> String {
    let names = serde_json::to_value(&server.capabilities)
        .ok()
        .and_then(|value| Some(value.as_object()?.keys().cloned().collect::<Vec<_>>()))
        .unwrap_or_default();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn print_offer(report: &Report) {
    let tools = report.tools.iter().map(|tool| {
        [tool.name.to_string(), first_line(tool.description.as_deref().unwrap_or_default())]
    });
    print_table(["tool", "what it does"], tools);
    let resources =
        report.resources.iter().map(|resource| [resource.uri.clone(), resource.name.clone()]);
    print_table(["resource", "name"], resources);
    let prompts = report.prompts.iter().map(|prompt| {
        [prompt.name.clone(), first_line(prompt.description.as_deref().unwrap_or_default())]
    });
    print_table(["prompt", "what it is for"], prompts);
}

fn print_table(header: [&str; 2], rows: impl Iterator<Item = [String; 2]>) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header).add_rows(rows);
    if table.is_empty() {
        println!("no {}s", header[0]);
    } else {
        println!("{table}");
    }
}

fn print_call(call: &CallToolResult) {
    println!("\nanswer:");
    for content in &call.content {
        match content.as_text() {
            Some(text) => println!("{}", text.text),
            None => println!("{}", serde_json::to_string(content).unwrap_or_default()),
        }
    }
}

fn print_lines(title: &str, lines: &[String], omitted: u64) {
    if lines.is_empty() {
        return;
    }
    println!("\n{title}:");
    if omitted > 0 {
        println!("  … {omitted} earlier lines");
    }
    for line in lines {
        println!("  {line}");
    }
}

fn print_closing(report: &Report) {
    let stats = &report.stats;
    println!(
        "\n{} messages, {} bytes of stdout, {} lines of stderr, {} lost, {} not readable",
        stats.messages,
        stats.stdout_bytes,
        stats.stderr_lines,
        stats.lost,
        stats.noise + stats.malformed
    );
    if let Some(end) = &report.end {
        println!("end: {} ({})", end.message, end.cause);
    }
}

fn first_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().to_owned()
}
