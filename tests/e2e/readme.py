"""README's command blocks that say of themselves that they run: those after a line `<!-- runs -->`."""
import re


def blocks(text):
    return re.findall(r"^<!-- runs -->\n+```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
