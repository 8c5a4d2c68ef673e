//! A report for people.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use rmcp::model::{CallToolResult, ServerPeerInfo};

use super::report::Report;

pub(super) fn print(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    if let Some(server) = &report.server {
        print_server(out, server)?;
        print_offer(out, report)?;
    }
    if let Some(call) = &report.call {
        print_call(out, call)?;
    }
    print_lines(out, "stderr", &report.stderr, report.stderr_omitted)?;
    print_lines(out, "not messages, on stdout", &report.noise, 0)?;
    print_closing(out, report)
}

fn print_server(out: &mut dyn Write, server: &ServerPeerInfo) -> io::Result<()> {
    let name = server.server_info.as_ref().map_or_else(
        || "a server without a name".to_owned(),
        |info| format!("{} {}", info.name, info.version),
    );
    writeln!(out, "{name}, MCP {}", server.protocol_version)?;
    writeln!(out, "capabilities: {}", capabilities(server))?;
    match &server.instructions {
        Some(instructions) => writeln!(out, "instructions: {}", first_line(instructions)),
        None => Ok(()),
    }
}

fn capabilities(server: &ServerPeerInfo) -> String {
    let names = serde_json::to_value(&server.capabilities)
        .ok()
        .and_then(|value| Some(value.as_object()?.keys().cloned().collect::<Vec<_>>()))
        .unwrap_or_default();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn print_offer(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let tools = report.tools.iter().map(|tool| {
        [tool.name.to_string(), first_line(tool.description.as_deref().unwrap_or_default())]
    });
    print_table(out, ["tool", "what it does"], tools)?;
    let resources =
        report.resources.iter().map(|resource| [resource.uri.clone(), resource.name.clone()]);
    print_table(out, ["resource", "name"], resources)?;
    let prompts = report.prompts.iter().map(|prompt| {
        [prompt.name.clone(), first_line(prompt.description.as_deref().unwrap_or_default())]
    });
    print_table(out, ["prompt", "what it is for"], prompts)
}

fn print_table(
    out: &mut dyn Write,
    header: [&str; 2],
    rows: impl Iterator<Item = [String; 2]>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header).add_rows(rows);
    if table.is_empty() { writeln!(out, "no {}s", header[0]) } else { writeln!(out, "{table}") }
}

fn print_call(out: &mut dyn Write, call: &CallToolResult) -> io::Result<()> {
    writeln!(out, "\nanswer:")?;
    call.content.iter().try_for_each(|content| match content.as_text() {
        Some(text) => writeln!(out, "{}", text.text),
        None => writeln!(out, "{}", serde_json::to_string(content).unwrap_or_default()),
    })
}

fn print_lines(out: &mut dyn Write, title: &str, lines: &[String], omitted: u64) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:")?;
    if omitted > 0 {
        writeln!(out, "  … {omitted} earlier lines")?;
    }
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

fn print_closing(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let stats = &report.stats;
    writeln!(
        out,
        "\n{} messages, {} bytes of stdout, {} lines of stderr, {} lost, {} not readable",
        stats.messages,
        stats.stdout_bytes,
        stats.stderr_lines,
        stats.lost,
        stats.noise + stats.malformed
    )?;
    match &report.end {
        Some(end) => writeln!(out, "end: {} ({})", end.message, end.cause),
        None => Ok(()),
    }
}

fn first_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().to_owned()
}
