"""An SSH server that takes a password, and no key: `python THIS HOME HOST_KEY`.

It reads the password from its standard input, and prints its port. A session has the home folder
HOME. Unlike sshd, it needs no user of its own.
"""

import asyncio
import os
import sys

import asyncssh

PASSWORD = sys.stdin.readline().strip()


class Server(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return password == PASSWORD


async def _session(session):
    process = await asyncio.create_subprocess_shell(
        session.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": sys.argv[1]},
        cwd=sys.argv[1],
    )
    await session.redirect(process.stdin, process.stdout, process.stderr)
    session.exit(await process.wait())


async def _serve():
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Server,
        server_host_keys=[sys.argv[2]],
        process_factory=_session,
        encoding=None,
    )
    print(server.get_port(), flush=True)
    await server.wait_closed()


asyncio.run(_serve())
