"""Breaks a shell command into lines that can be copied as they are."""


def lines(command: str, width: int) -> list[str]:
    r"""The command with `` \`` at the line ends, broken at blanks outside of quotes only.

    A word that is longer than ``width`` stays whole: a broken one would be another command.
    """
    found: list[str] = []
    for word in _words(command):
        if found and len(found[-1]) + len(word) + 3 <= width:
            found[-1] += f" {word}"
        else:
            found.append(f"  {word}" if found else word)
    return [f"{line} \\" for line in found[:-1]] + found[-1:]


def _words(command: str) -> list[str]:
    words, quote, skipped = [""], "", False
    for character in command:
        if character == " " and not quote and not skipped:
            words.append("")
            continue
        words[-1] += character
        if skipped:
            skipped = False
        elif character == "\\" and quote != "'":
            skipped = True
        elif character == quote:
            quote = ""
        elif character in "'\"" and not quote:
            quote = character
    return [word for word in words if word]
