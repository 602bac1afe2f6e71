"""Who is voting."""

import getpass
import os


def default_labeler() -> str:
    """Return `$FTARENA_LABELER`, else the login name, else `me` (a container's user may have no name)."""
    if name := os.environ.get("FTARENA_LABELER", "").strip():
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "me"
