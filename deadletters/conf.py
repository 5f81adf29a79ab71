"""The settings of dead letters. They stand in the one `AGENTOPS` block, whose names `runs.conf` checks at start-up."""

from dataclasses import dataclass, fields

from django.conf import settings


@dataclass(frozen=True)
class LettersConf:
    """What may be set, with its defaults."""

    replays_max: int = 5  # replays in one chain: of a letter, of the letter that its replay left, and so on
    mail_dead_letters: bool = True
    site_url: str = ""  # what stands before the path of a link in a mail, as `https://agents.example.com`


def letters_conf() -> LettersConf:
    """Return the settings as they are now."""
    block = getattr(settings, "AGENTOPS", {})
    names = [field.name for field in fields(LettersConf)]
    return LettersConf(**{name: block[name] for name in names if name in block})
