"""The hostile inputs H01 to H38 of the promises, by the channel they come through."""

import json
import zipfile
from io import BytesIO
from typing import NamedTuple

EVIL = "evil.example"

# H01, H02, H03: what stands in a path for an id or a name; none is another spelling of one that is there.
IN_PATHS = (
    *("9223372036854775808", "18446744073709551617", "9" * 40, "9" * 3000),
    *(
        "0",
        "-1",
        "+1",
        "1.0",
        "1e0",
        "0x1",
        "007",
        "01",
        "１",
        "١",
        "1%0A",
        "%201",
        "1%20",
        "1%00",
        "null",
        "1_0",
    ),
    *("%00", "%ff%fe", "%c0%ae", "..%2f..%2fetc%2fpasswd", "..%5c..%5cetc%5cpasswd", "%2e%2e", "a" * 9000),
    *("'%20OR%201=1--", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "%0d%0aSet-Cookie:%20evil=1", "{{7*7}}"),
)

TYPED = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' hx-get='/logout' hx-trigger='load'",
    "<b hx-on::load=alert(1)>x</b>",
    "{{7777*7777}}",
    "</title><svg/onload=alert(1)>",
)

# H04 to H11, H13: what a name of the query is given; as bytes where it is no text.
IN_QUERIES = (
    *("", "abc", "1.5", "0", "-1", "[]", "１", "null", "true"),
    *("1000000000", "2147483648", "9223372036854775808", "1" + "0" * 30, "9" * 5000),
    "a%00b",
    *("%ff", "%c3%28", "%ed%a0%80", "%f4%90%80%80"),
    *("a" * 5000 + "!", "a@" * 2000, "%25" * 3000, "(" * 3000, "e%CC%81" * 2000),
    *("'%20OR%201=1--", "';DROP%20TABLE%20orders;--", "1)%20OR%20(1=1"),
    *("%25", "_", "%5C"),
    *(
        "password",
        "__class__",
        "id;drop",
        ",".join(map(str, range(3000))),
        "99",
        "9999-99-99",
        "%0d%0aSet-Cookie:x=1",
    ),
)
# H12, H13: whole queries.
WHOLE_QUERIES = (
    "page=1&page=2",
    "limit=1&limit=2",
    "&".join(f"n{n}=1" for n in range(2000)),
    "page[]=1&page[$gt]=0",
    "sort=password&fields=password&embed=__class__&order=id;drop",
    "id=" + ",".join(map(str, range(3000))),
    "status=99&created_time_from=99999-99-99",
    "=&==&&;;%&%zz=%",
    "satus=2",
    "next=//evil.example&list=//evil.example",
)
NAMES = (
    *(
        "page",
        "limit",
        "q",
        "status",
        "sort",
        "tab",
        "after",
        "before",
        "list",
        "in",
        "next",
        "embed",
        "fields",
    ),
    *(
        "created_time_from",
        "gateway_transaction_code",
        "order_id",
        "verdict",
        "placed_from",
        "channel",
        "skip",
        "take",
    ),
    *("tracking_number", "start", "end", "id", "flag_payment", "show", "revision", "item", "sale"),
)

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
JSON = "application/json"


class Body(NamedTuple):
    """Something hostile that is sent as a body: its name, its type and its bytes."""

    name: str
    type: str
    raw: bytes


def _part(name: str, value: bytes) -> bytes:
    """Return a part of a multipart body."""
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)


# H18 to H32: bodies that no door takes, whatever its fields.
BODIES = (
    Body("H18 10,000 fields", FORM, b"&".join(b"a%d=1" % n for n in range(10_000))),
    Body("H18 2,000 parts", PARTS, b"".join(_part(f"a{n}", b"1") for n in range(2000)) + b"--b--\r\n"),
    Body("H19 a field of 300 KB", FORM, b"name=" + b"x" * 300_000),
    Body("H19 a part of 300 KB", PARTS, _part("name", b"x" * 300_000) + b"--b--\r\n"),
    Body("H20 no boundary", "multipart/form-data", b"x"),
    Body("H20 a boundary of 300", "multipart/form-data; boundary=" + "b" * 300, b"x"),
    Body(
        "H20 a part without an end", PARTS, b'--b\r\nContent-Disposition: form-data; name="status"\r\n\r\n3'
    ),
    Body("H20 signs", FORM, b"%zz&&&==="),
    Body("H20 UTF-7", f"{FORM}; charset=utf-7", b"status=+ADM-"),
    Body("H20 bytes", FORM, b"\xff\xfe=\xed\xa0\x80&%ff=%ed%a0%80"),
    Body("H22 nothing", JSON, b""),
    Body("H22 a brace", JSON, b"{"),
    Body("H22 bytes", JSON, b"\xff\xfe"),
    Body("H22 a form as JSON", JSON, b"status=3"),
    Body("H22 single quotes", JSON, b"{'status': 3}"),
    Body("H22 a tail", JSON, b'{"status": 3}}'),
    *(Body(f"H23 {text} at the top", JSON, text.encode()) for text in ("[]", '"3"', "3", "null", "true")),
    Body("H24 100,000 lists", JSON, b"[" * 100_000),
    Body("H24 50,000 objects", JSON, b'{"a":' * 50_000),
    Body("H24 deep in a field", JSON, b'{"lines":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    Body("H25 a name twice", JSON, b'{"status":99,"status":98}'),
    *(
        Body(f"H26 a status {text[:10]}", JSON, f'{{"status": {text}}}'.encode())
        for text in ('"3x"', "3.5", "[3]", '{"a":1}', "-3", str(2**70), '"٣"', '"3 "')
    ),
    *(
        Body(f"H27 a number {text[:10]}", JSON, f'{{"amount": {text}}}'.encode())
        for text in ("NaN", "Infinity", "-Infinity", "1e400", "9" * 5000, "03")
    ),
    *(
        Body(f"H28 the text {text}", JSON, f'{{"zzz": "{text}"}}'.encode())
        for text in (r"\ud800", r"\u0000", r"a\u0000b", r"\u001b[2J", r"\r\nSet-Cookie: evil=1")
    ),
    Body("H29 100,000 characters", JSON, b'{"zzz": "' + b"x" * 100_000 + b'"}'),
    Body("H30 fields of others", JSON, json.dumps(dict.fromkeys(("cents", "paid", "__class__"), 1)).encode()),
    *(
        Body(f"H31 {type_ or 'no type'}", type_, b"status=3")
        for type_ in ("text/plain", "text/xml", "", "image/png")
    ),
    Body("H31 UTF-16", JSON, '{"status": 3}'.encode("utf-16")),
    Body("H31 JSON as a form", FORM, b'{"status": 3}'),
)
LARGE = Body("H32 17 MB", FORM, b"zzz=" + b"3" * 17_000_000)

# H14, H15, H28, H29: texts for a field.
TEXTS = (
    *TYPED,
    *('=HYPERLINK("http://evil.example")', "+1+1", "-2+3", "@SUM(1)", "=cmd|'/c calc'!A1", "\t=1+1", "＝1+1"),
    *(
        "a\0b",
        "\x1b[2J",
        "a\r\nSet-Cookie: evil=1",
        "\u2028",
        "\u202egnp.exe",
        "é" * 64,
        "x" * 65,
        "x" * 256,
        "x" * 5000,
    ),
    *("3 ", "+3", "٣", "1e400", "NaN", "-0", "0" * 400, str(2**63), str(2**70), "9" * 5000, "99999-99-99"),
    *("true", "null", "[]", "{}", "None", "javascript:alert(1)", "%s%n{0}", "${7*7}", "../../etc/passwd"),
)

# H34: headers that claim something.
CLAIMS = (
    {"X-Forwarded-Host": EVIL},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-For": "10.0.0.1"},
    {"X-Forwarded-Prefix": f"/{EVIL}"},
    {"X-Forwarded-Port": "99999"},
    {"Forwarded": f"host={EVIL};proto=https"},
    {"X-Original-URL": "/site"},
    {"X-Rewrite-URL": "/site"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-Remote-User": "site_admin@example.com"},
    {"Remote-User": "site_admin@example.com"},
    {"X-Real-IP": "127.0.0.1"},
    {"X-Host": EVIL},
    {"X-Request-ID": "forged\u0085id"},
)
# H37: headers, and cookies, that are large, many or none. The server has bounds of its own (test_framing).
HEADERS = (
    {"X-Large": "x" * 60_000},
    {f"X-{n}": "x" for n in range(500)},
    {"Cookie": "tradepost=" + "x" * 7000},
    {"Cookie": "tradepost=\xff\xfe"},
    {"Cookie": "tradepost=a; tradepost=b"},
    {"Cookie": "tradepost='--; theme=<script>"},
    {"Cookie": "theme=evil; tradepost=..%2f"},
    {"Accept": "*" * 5000, "Accept-Language": "x" * 5000, "Accept-Encoding": "zz"},
    {"HX-Request": "<script>", "HX-Target": "'--", "HX-Current-URL": "http://[::1", "HX-Boosted": "x"},
    {"Referer": "http://[::1", "User-Agent": "\x1b[2J{{7*7}}", "Range": "bytes=0-,-1"},
    {"If-None-Match": "*", "If-Modified-Since": "yesterday", "If-Range": "x"},
    {"Content-Length": "0", "Expect": "nothing"},
)

# H33: names that are none of ours.
HOSTS = (
    *(
        EVIL,
        f"127.0.0.1.{EVIL}",
        f"desk.example.{EVIL}",
        f"desk.example@{EVIL}",
        f"{EVIL}@desk.example",
        "a b",
    ),
    *(
        "desk.example:99999",
        "desk.example:x",
        "desk.example/..",
        "desk.example,evil.example",
        "xn--desk.example",
    ),
    *(
        "[::1",
        "[::ffff:10.0.0.1]",
        "10.0.0.1",
        "0",
        "desk.example.",
        "desk_example",
        "desk.example%00",
        "*.example",
        "a" * 3000,
    ),
)

METHODS = ("TRACE", "CONNECT", "FOO", "DELETE", "PATCH", "PROPFIND")

# P30: ways out.
WAYS_OUT = (
    *(
        f"{way}{EVIL}"
        for way in (
            "//",
            "/\\",
            "\\\\",
            "\\/",
            "///",
            "////",
            "/\\/",
            "//\\",
            "http:",
            "https:/",
            "http://",
            "https://",
            "ftp://",
        )
    ),
    *(f"{sign}//{EVIL}" for sign in (" ", "\t", "\x08", "\x01", "\x1f", "\xa0", "\u200b", "\ufeff")),
    *(f"/{sign}/{EVIL}" for sign in ("\t", "\n", "\r", "\r\n", "\x00", " ", "%09", "%0a", "%2f", "%5c")),
    *(f"/sales\r\n{header}" for header in ("Set-Cookie: evil=1", f"Location: http://{EVIL}")),
    *(
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "vbscript:x",
        "data:text/html,<script>x</script>",
    ),
    *(
        f"http://localhost@{EVIL}",
        f"http://localhost:80@{EVIL}",
        f"//localhost@{EVIL}",
        f"//localhost:x@{EVIL}/",
    ),
    *(
        "http://[::1",
        "http://[::1]:x",
        "//[",
        f"//{EVIL}\u2100.example",
        f"//{EVIL}%00.localhost",
        "//%65vil.example",
    ),
    *(
        f"/..//{EVIL}",
        f"/.//{EVIL}",
        f"/%2e%2e//{EVIL}",
        f"/;//{EVIL}",
        f"?//{EVIL}",
        f"#//{EVIL}",
        f".{EVIL}",
        f"@{EVIL}",
        EVIL,
    ),
    *(
        f"//{EVIL}:80",
        f"//{EVIL}#@localhost",
        f"//{EVIL}?localhost/",
        f"/login?next=//{EVIL}",
        "／／evil.example",
        "//ⓔvil.example",
    ),
)


def _zipped(name: str, content: bytes) -> bytes:
    """Return a zip file with one entry."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


# H39, H40: files that hold no orders. What may be wrong inside of a CSV file is tried in tests/exchange.
FILES = {
    "nothing": b"",
    "NUL": b"\0" * 1000,
    "UTF-16": "Sale Date,Item Name\n1,2\n".encode("utf-16"),
    "an open quote": b'Sale Date,Item Name\n"1,2\n' * 1000,
    "no header": b"1,2,3\n" * 1000,
    "a header of 20,000": b",".join(b"c%d" % n for n in range(20_000)),
    "a cell of 900 KB": b"Sale Date,Item Name\n1," + b"x" * 900_000,
    "lone carriage returns": b"Sale Date,Item Name\r1,2\r",
    "a sheet": _zipped("xl/worksheets/sheet1.xml", b"<worksheet/>"),
    "30 MB in 30 KB": _zipped("xl/worksheets/sheet1.xml", b"<c/>" * 7_500_000),
    "an outside entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "a page": b"<html><script>alert(1)</script>",
    "a program": b"\x7fELF" + b"\0" * 100,
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "gzip": b"\x1f\x8b\x08" + b"\0" * 100,
}
FILE_NAMES = (
    *(
        "../../x.csv",
        "..\\..\\x.csv",
        "/etc/passwd",
        "C:\\x.csv",
        "x\0.csv",
        "x" * 5000,
        ".",
        "..",
        " ",
        "con",
    ),
    *(
        "<script>alert(1)</script>.csv",
        '"><img src=x onerror=alert(1)>.csv',
        "x\r\nSet-Cookie: evil=1.csv",
        "\u202evsc.x",
    ),
)
