"""Personal data in a text: e-mail addresses, and the numbers of payment cards and bank accounts."""

import re
from collections.abc import Iterator

from ftarena.text import clean_line

_ADDRESS = re.compile(
    r"(?<![\w.@/:+-])([A-Za-z0-9][\w.+-]{0,63})@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.)+([A-Za-z]{2,13}))"
    r"(?![\w(\[@-]|\.\w|:[^\s])"
)
# Code has `weights@input.mean` and files have `icon@2x.png`: only what ends like an address is one.
_ENDINGS = re.compile(
    r"[a-z]{2}|com|org|net|edu|gov|mil|int|info|biz|name|pro|dev|app|cloud|online|site|store|tech|blog|email|xyz"
)
_NOBODY = re.compile(
    # RFC 2606 keeps these free for examples; the rest is what people write instead.
    r"(?:.+\.)?(?:example\.\w+|example|test|invalid|localhost|local)"
    r"|(?:e?mail|domain|my-?domain|your-?\w+|(?:my-?)?company(?:name)?|(?:my|some)?(?:web)?site|test|abc|xyz|acme(?:corp)?"
    r"|placeholder|provider|server|host(?:name)?|organi[sz]ation)\.(?:com|org|net|edu|co)",
    re.IGNORECASE,
)
_SERVER_USERS = frozenset(
    ("git", "root", "ubuntu", "ec2-user", "admin", "deploy", "user", "username", "noreply", "no-reply")
)
_REMOTE = re.compile(r"\b(?:ssh|scp|sftp|rsync|mosh|ssh-copy-id|telnet|ftp)\b[^\n]*\Z")


def emails(text: str) -> Iterator[str]:
    """Yield the e-mail addresses in a text, half hidden.

    Not those at domains kept for examples, nor `user@host` of ssh, scp and Git.
    """
    if "@" not in text:
        return
    for match in _ADDRESS.finditer(text):
        user, domain, ending = match[1], match[2], match[3].lower()
        if _ENDINGS.fullmatch(ending) is None:
            continue
        if user.lower() in _SERVER_USERS or _NOBODY.fullmatch(domain):
            continue
        line = text[max(text.rfind("\n", 0, match.start()) + 1, match.start() - 120) : match.start()]
        if "://" in line.rsplit(" ", 1)[-1] or _REMOTE.search(line):
            continue
        yield f"the e-mail address {user[0]}…@{clean_line(domain)}"


_CARD = re.compile(r"(?<![\w.,#/+=-])([0-9](?:[ -]?[0-9]){12,18})(?![\w/-]|[.,][0-9])")
_LONG_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9]){12}")

# Issuers' prefixes and lengths (ISO/IEC 7812; lists of the issuers). Visa's numbers of 13 digits are long out
# of use, and look like the bar codes of groceries.
_ISSUERS = (
    ("Visa", re.compile(r"4(?:\d{15}|\d{18})")),
    ("Mastercard", re.compile(r"(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}")),
    ("American Express", re.compile(r"3[47]\d{13}")),
    ("Discover", re.compile(r"6(?:011|4[4-9]\d|5\d\d)\d{12}")),
    ("Diners Club", re.compile(r"3(?:0[0-5]|[68]\d)\d{11}")),
    ("JCB", re.compile(r"35(?:2[89]|[3-8]\d)\d{12}")),
    ("UnionPay", re.compile(r"62\d{14,17}")),
    ("Maestro", re.compile(r"(?:5018|5020|5038|6304|6759|676[1-3])\d{8,15}")),
)
_GROUPS = frozenset(((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13), (4, 4, 5)))
# Processors print these in their documentation, and articles on the checksum the last two; nobody owns them.
_PUBLISHED = """
4111111111111111 4242424242424242 4012888888881881 4000056655665556 4000000000000002 4917610000000000
5555555555554444 5105105105105100 5200828282828210 5454545454545454 2223003122003222 2223000048400011
378282246310005 371449635398431 378734493671000 6011111111111117 6011000990139424 6011000000000004
30569309025904 38520000023237 36227206271667 3056930009020004 3530111333300000 3566002020360505
6200000000000005 6759649826438453 4532015112830366 4539578763621486
"""
_TEST_NUMBERS = frozenset(_PUBLISHED.split())


def cards(text: str) -> Iterator[str]:
    """Yield the numbers of payment cards in a text, by their issuer and last four digits.

    A number counts if an issuer uses its beginning and length, its digits are grouped as on a card or not at
    all, and its checksum is right; not the numbers that processors publish for tests.
    """
    if _LONG_NUMBER.search(text) is None:
        return
    for match in _CARD.finditer(text):
        written = match[1]
        digits = re.sub(r"\D", "", written)
        separators = set(written) - set(digits)
        if len(separators) > 1 or digits in _TEST_NUMBERS or len(set(digits)) < 4:
            continue
        if separators and tuple(map(len, re.split(r"\D", written))) not in _GROUPS:
            continue
        for issuer, form in _ISSUERS:
            if form.fullmatch(digits) and luhn(digits):
                yield f"the number of a card of {issuer} (…{digits[-4:]})"
                break


def luhn(digits: str) -> bool:
    """Return whether the last digit is the checksum of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


# Country and length (SWIFT's IBAN registry).
_LENGTHS = {
    "NO": 15,
    "BE": 16,
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    "LC": 32,
}
_IBAN = re.compile(r"(?<![\w/-])([A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)(?![\w/-])")
_MAY_BE_IBAN = re.compile(r"[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}")
# The registry's own examples and those of encyclopaedias.
_IBANS_PUBLISHED = frozenset(
    (
        *("DE89370400440532013000", "GB29NWBK60161331926819", "GB82WEST12345698765432"),
        *("GB33BUKB20201555555555", "FR1420041010050500013M02606", "FR7630006000011234567890189"),
        *("NL91ABNA0417164300", "NL20INGB0001234567", "BE68539007547034", "CH9300762011623852957"),
        *("AT611904300234573201", "ES9121000418450200051332", "ES7921000813610123456789"),
        *("IT60X0542811101000000123456", "SE4550000000058398257466", "NO9386011117947"),
        *("DK5000400440116243", "FI2112345600000785", "PL61109010140000071219812874"),
        *("PT50000201231234567890154", "IE29AIBK93115212345678", "LU280019400644750000"),
        *("GR1601101250000000012300695", "CZ6508000000192000145399", "SK3112000000198742637541"),
        *("HU42117730161111101800000000", "RO49AAAA1B31007593840000", "TR330006100519786457841326"),
        *("SA0380000000608010167519", "DE75512108001245126199", "DE91100000000123456789"),
    )
)


def ibans(text: str) -> Iterator[str]:
    """Yield the numbers of bank accounts (IBAN) in a text, by their country and last four digits.

    A number counts if it has the length of its country and its checksum is right (ISO 13616, ISO 7064
    MOD 97-10); not those that are printed as examples everywhere.
    """
    if _MAY_BE_IBAN.search(text) is None:
        return
    for match in _IBAN.finditer(text):
        number = match[1].replace(" ", "")
        if _LENGTHS.get(number[:2]) != len(number) or number in _IBANS_PUBLISHED:
            continue
        if int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1:
            yield f"the number of a bank account (IBAN, {number[:2]}…{number[-4:]})"
