"""Calls a slow tool of the server that its arguments start, with the Python client SDK.

Writes one line for every step of progress and one for the answer.
"""

import asyncio
import os
import sys

from mcp import ClientSession, StdioServerParameters, stdio_client


async def told(progress, total=None, message=None):
    print(f"progress {progress:g}", flush=True)


async def main():
    server = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = await session.list_tools()
        print(f"tools {str(len(tools.tools) > 0).lower()}", flush=True)
        arguments = {"duration": 2, "steps": 4}
        name = "trigger-long-running-operation"
        result = await session.call_tool(name, arguments, progress_callback=told)
        print(f"answer {result.content[0].text}", flush=True)
    print("closed", flush=True)


asyncio.run(main())
