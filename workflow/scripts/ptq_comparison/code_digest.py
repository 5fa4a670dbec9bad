"""A fingerprint of the code behind a rule, so that an edited module reruns the rules that use it.

Snakemake notices an edited script, but not an edited module that the script imports.
"""

import hashlib
from modulefinder import ModuleFinder
from pathlib import Path


def code_digest(script: Path) -> str:
    """Return a SHA-256 over all modules beside `script` that it imports, directly or not.

    The script itself is left out: Snakemake watches it. Only contents count; a touched or moved
    file changes nothing. Installed packages are not followed: their versions are the
    business of the environment.
    """
    finder = ModuleFinder(path=[str(script.parent)])
    finder.run_script(str(script))
    digest = hashlib.sha256()
    for name, module in sorted(finder.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name != "__main__":
            digest.update(name.encode() + b"\0" + Path(file).read_bytes())
    return digest.hexdigest()
