# An MCP server with two tools that do nothing. It reads no JSON, so ids have to be numbers.
while read -r request; do
    id=${request#*'"id":'}
    id=${id%%[!0-9]*}
    case $request in
    *'"initialize"'*)
        result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"shell-server","version":"1.0"}}'
        echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$result}"
        ;;
    *'"tools/list"'*)
        result='{"tools":[{"name":"left","inputSchema":{"type":"object"}},{"name":"right","inputSchema":{"type":"object"}}]}'
        echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$result}"
        ;;
    esac
done
