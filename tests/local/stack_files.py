"""A table of stack files, with the verdict of Pulumi's engine and of the program on each.

tests/local/test_stack_files.py compares the local run with this table, and
tests/engine/test_stack_files.py compares the table with the engine.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from counter_service.paths import ROOT

STACK = "case"
NAME = f"Pulumi.{STACK}.yaml"


@dataclass(frozen=True)
class Case:
    """A stack file.

    Args:
        name: A description of the case.
        content: All of it.
        values: The keys that it sets, as the program gets them. The project's own have no
            namespace here.
        refused_by: The engine or the program. None: the file is accepted.
        error: The sentence of the local run.
    """

    name: str
    content: bytes
    values: dict[str, str]
    refused_by: Literal["engine", "program"] | None = None
    error: str = ""


def write(content: bytes | None, root: Path) -> None:
    """Write the project's file and a stack's file into a folder."""
    shutil.copyfile(ROOT / "Pulumi.yaml", root / "Pulumi.yaml")
    if content is not None:
        (root / NAME).write_bytes(content)


HEAD = "config:\n  aws:region: eu-central-1\n"  # so the first line of a case is line 3


def _content(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def accepted(name: str, lines: str, /, **values: str) -> Case:
    """Lines below `config:` that are accepted."""
    return Case(name, _content(HEAD + lines), values)


def whole(name: str, text: str | bytes, /, **values: str) -> Case:
    """A whole file that is accepted."""
    return Case(name, _content(text), values)


def engine(name: str, lines: str, error: str, line: int = 3) -> Case:
    """Lines below `config:` that the engine refuses."""
    return Case(name, _content(HEAD + lines), {}, "engine", f"{NAME}, line {line}: {error}")


def engine_whole(name: str, text: str | bytes, error: str, line: int = 1) -> Case:
    """A whole file that the engine refuses."""
    return Case(name, _content(text), {}, "engine", f"{NAME}, line {line}: {error}")


def program(name: str, lines: str, error: str, /, **values: str) -> Case:
    """Lines below `config:` that the engine passes on, and whose first the program refuses."""
    sentence = f"{NAME}, line 3: Configuration: {error}"
    return Case(name, _content(HEAD + lines), values, "program", sentence)


def program_whole(name: str, text: str | bytes, error: str, /, **values: str) -> Case:
    """A whole file that the engine passes on, and the program refuses."""
    return Case(name, _content(text), values, "program", error)


def _type(key: str, value: str, type_name: str) -> str:
    return f"{key} is {value!r}, but must be of type {type_name}."


FLAG, NUMBER, LIST = "boolean", "integer", "array of type string"
NO_REGION = "Configuration: aws:region is '', but must be a region such as eu-central-1."
NAME_RULE = "1 to 128 letters, digits, hyphens and underscores"
COLON = "mapping values are not allowed in this context"
MISSING_COLON = "could not find expected ':'"

CASES = [
    # --- booleans
    accepted("boolean true", "  counter-service:alarms: true\n", alarms="true"),
    accepted("boolean True", "  counter-service:alarms: True\n", alarms="true"),
    accepted("boolean TRUE", "  counter-service:alarms: TRUE\n", alarms="true"),
    accepted("boolean in quotes", '  counter-service:alarms: "true"\n', alarms="true"),
    accepted("boolean false", "  counter-service:website: false\n", website="false"),
    *(
        engine(f"boolean {text}", f"  counter-service:alarms: {text}\n",
               _type("alarms", text, FLAG))
        for text in ("yes", "no", "on", "off", "y", "tRUE", "1")
    ),
    engine("boolean True in quotes", '  counter-service:alarms: "True"\n',
           _type("alarms", "True", FLAG)),
    engine("boolean without a value", "  counter-service:alarms:\n", _type("alarms", "", FLAG)),
    engine("boolean null", "  counter-service:alarms: null\n", _type("alarms", "", FLAG)),
    accepted("boolean with its tag", "  counter-service:alarms: !!bool true\n", alarms="true"),
    engine("boolean tag on a text", "  counter-service:alarms: !!bool yes\n",
           "'yes' is not of its tag's type, bool."),
    # --- numbers
    accepted("number", "  counter-service:throttleRate: 7\n", throttleRate="7"),
    accepted("number in quotes", "  counter-service:throttleRate: '7'\n", throttleRate="7"),
    accepted("number hexadecimal", "  counter-service:throttleRate: 0x10\n", throttleRate="16"),
    accepted("number binary", "  counter-service:throttleRate: 0b11\n", throttleRate="3"),
    accepted("number octal", "  counter-service:throttleRate: 0o17\n", throttleRate="15"),
    accepted("number with a zero before it", "  counter-service:throttleRate: 017\n",
             throttleRate="15"),
    accepted("number that is not octal", "  counter-service:throttleRate: 09\n", throttleRate="9"),
    accepted("number with an underscore", "  counter-service:throttleRate: 1_000\n",
             throttleRate="1000"),
    accepted("number with an exponent", "  counter-service:throttleRate: 1e3\n",
             throttleRate="1000"),
    accepted("number with a whole fraction", "  counter-service:throttleRate: 7.0\n",
             throttleRate="7"),
    accepted("number with a sign", "  counter-service:throttleRate: +7\n", throttleRate="7"),
    program("number in quotes with a sign", "  counter-service:throttleRate: '+7'\n",
            "throttleRate is '+7', but must be a whole number from 1 to 10000.",
            throttleRate="+7"),
    program("number out of range", "  counter-service:throttleRate: 0\n",
            "throttleRate is '0', but must be a whole number from 1 to 10000.", throttleRate="0"),
    *(
        engine(f"number {text}", f"  counter-service:throttleRate: {text}\n",
               _type("throttleRate", value, NUMBER))
        for text, value in {
            "1.5": "1.5", "1e-7": "1e-7", "1e21": "1e+21", "1e400": "1e400", "1:30": "1:30",
            "'1_000'": "1_000", "'0x10'": "0x10", "ten": "ten", "~": "",
            "9223372036854775808": "9223372036854775808", "true": "true", "[7]": "[7]",
        }.items()
    ),
    engine("number that is infinite", "  counter-service:throttleRate: .inf\n",
           "counter-service:throttleRate contains a number that is not finite. Use a finite one."),
    # --- texts
    accepted("text without a value", "  counter-service:domainName:\n", domainName=""),
    accepted("text null", "  counter-service:domainName: null\n", domainName=""),
    accepted("text ~", "  counter-service:domainName: ~\n", domainName=""),
    accepted("text empty", '  counter-service:domainName: ""\n', domainName=""),
    accepted("text that is a number", "  counter-service:stageName: 7\n", stageName="7"),
    accepted("text that is hexadecimal", "  counter-service:stageName: 0x10\n", stageName="16"),
    accepted("text yes", "  counter-service:stageName: yes\n", stageName="yes"),
    accepted("text with an explicit tag", "  counter-service:stageName: !!str 0x10\n",
             stageName="0x10"),
    accepted("text with a custom tag", "  counter-service:stageName: !stage main\n",
             stageName="main"),
    accepted("text in base64", "  counter-service:stageName: !!binary bWFpbg==\n",
             stageName="main"),
    accepted("text with a comment", "  counter-service:stageName: main # of the API\n",
             stageName="main"),
    accepted("text in a folded block", "  counter-service:stageName: >-\n    main\n",
             stageName="main"),
    accepted("text with an escape", '  counter-service:stageName: "\\x6dain"\n', stageName="main"),
    program("text that is a date", "  counter-service:stageName: 2026-01-31\n",
            f"stageName is '2026-01-31 00:00:00 +0000 UTC', but must be {NAME_RULE}.",
            stageName="2026-01-31 00:00:00 +0000 UTC"),
    accepted("text that is no date", "  counter-service:stageName: 2026-13-31\n",
             stageName="2026-13-31"),
    program("text that is a time", "  counter-service:stageName: 2026-1-31T9:05:00.250+02:00\n",
            f"stageName is '2026-01-31 09:05:00.25 +0200 +0200', but must be {NAME_RULE}.",
            stageName="2026-01-31 09:05:00.25 +0200 +0200"),
    program("text of two lines", "  counter-service:stageName: |\n    a\n    b\n",
            f"stageName is 'a\\nb', but must be {NAME_RULE}.", stageName="a\nb\n"),
    engine("text that is a mapping", "  counter-service:stageName: {a: 1}\n",
           _type("stageName", '{"a":1}', "string")),
    engine("text that is a list", "  counter-service:stageName: [a]\n",
           _type("stageName", '["a"]', "string")),
    program("text with a wrong pattern", "  counter-service:alarmEmail: nöbody\n",
            "alarmEmail is 'nöbody', but must be an e-mail address, or empty.",
            alarmEmail="nöbody"),
    # --- lists
    accepted("list", "  counter-service:allowedOrigins:\n    - https://a.test\n",
             allowedOrigins='["https://a.test"]'),
    accepted("list in a line", "  counter-service:allowedOrigins: [https://a.test]\n",
             allowedOrigins='["https://a.test"]'),
    accepted("list that is empty", "  counter-service:allowedOrigins: []\n", allowedOrigins="[]"),
    engine("list as a JSON text", "  counter-service:allowedOrigins: '[\"https://a.test\"]'\n",
           _type("allowedOrigins", '["https://a.test"]', LIST)),
    engine("list without a value", "  counter-service:allowedOrigins:\n",
           _type("allowedOrigins", "", LIST)),
    engine("list of numbers", "  counter-service:allowedOrigins: [7]\n",
           _type("allowedOrigins", "[7]", LIST)),
    engine("list with an empty entry", "  counter-service:allowedOrigins:\n    -\n",
           _type("allowedOrigins", "[null]", LIST)),
    engine("list that is a text", "  counter-service:allowedOrigins: https://a.test\n",
           _type("allowedOrigins", "https://a.test", LIST)),
    program("list with an entry that is no origin", "  counter-service:allowedOrigins: [a.test]\n",
            "allowedOrigins contains 'a.test', but each entry must be an origin such as "
            "https://www.example.com.", allowedOrigins='["a.test"]'),
    accepted("nested values", "  aws:endpoints:\n    - s3: http://a.test/?a=1&b=<2>\n",
             **{"aws:endpoints": '[{"s3":"http://a.test/?a=1\\u0026b=\\u003c2\\u003e"}]'}),
    accepted("nested keys that are no texts", "  pulumi:tags: {true: 0x10, 7: ~, b: 1e21}\n",
             **{"pulumi:tags": '{"7":null,"b":1e+21,"true":16}'}),
    # --- keys
    accepted("key without a namespace", "  throttleRate: 7\n", throttleRate="7"),
    accepted("key with the namespace config", "  counter-service:config:throttleRate: 7\n",
             throttleRate="7"),
    accepted("key in quotes", '  "counter-service:throttleRate": 7\n', throttleRate="7"),
    engine("key with three parts", "  counter-service:a:throttleRate: 7\n",
           "counter-service:a:throttleRate is not a key. Write it as <namespace>:<name>."),
    engine("key with four parts", "  a:b:c:d: 7\n",
           "a:b:c:d is not a key. Write it as <namespace>:<name>."),
    engine("key that is a number", "  7: x\n", "This key is not text. Put it in quotes."),
    engine("key that is a list", "  [a]: x\n", "A list or a mapping cannot be a key."),
    program("key with an underscore in its namespace", "  counter_service:throttleRate: 7\n",
            "counter_service:throttleRate is in a namespace that this program does not read. "
            "Write it as counter-service:throttleRate.", **{"counter_service:throttleRate": "7"}),
    program("key with a capital in its namespace", "  Counter-Service:throttleRate: 7\n",
            "Counter-Service:throttleRate is in a namespace that this program does not read. "
            "Write it as counter-service:throttleRate.", **{"Counter-Service:throttleRate": "7"}),
    program("key in a namespace of another provider", "  gcp:project: x\n",
            "gcp:project is in a namespace that this program does not read. Remove it.",
            **{"gcp:project": "x"}),
    program("key with an empty namespace", "  ':throttleRate': 7\n",
            ":throttleRate is in a namespace that this program does not read. Remove it.",
            **{":throttleRate": "7"}),
    program("key that is misspelt", "  counter-service:throtleRate: 7\n",
            "throtleRate is unknown. Remove it, or use a key that Pulumi.yaml declares.",
            throtleRate="7"),
    program("key with an index", "  counter-service:allowedOrigins[0]: x\n",
            "allowedOrigins[0] is unknown. Remove it, or use a key that Pulumi.yaml declares.",
            **{"allowedOrigins[0]": "x"}),
    engine("key twice", "  counter-service:alarms: true\n  counter-service:alarms: true\n",
           "counter-service:alarms is already set in line 3. Remove one.", line=4),
    engine("key twice, once in quotes",
           "  counter-service:alarms: true\n  'counter-service:alarms': true\n",
           "counter-service:alarms is already set in line 3. Remove one.", line=4),
    engine("key twice within a value", "  aws:endpoints: [{s3: a, s3: b}]\n",
           "s3 is already set in line 3. Remove one."),
    engine_whole("config twice", HEAD + HEAD, "config is already set in line 1. Remove one.", 3),
    # --- anchors
    accepted("alias", "  counter-service:throttleRate: &rate 7\n"
             "  counter-service:throttleBurst: *rate\n", throttleRate="7", throttleBurst="7"),
    engine("alias without an anchor", "  counter-service:throttleRate: *rate\n",
           "It is not valid YAML: found undefined alias."),
    engine("alias of itself", "  pulumi:tags: &tags [*tags]\n", "An anchor contains itself."),
    whole("merge key", "shared: &shared\n  counter-service:throttleRate: 7\n"
          "  counter-service:alarms: true\nconfig:\n  <<: *shared\n  aws:region: eu-central-1\n"
          "  counter-service:throttleRate: 8\n", throttleRate="8", alarms="true"),
    whole("merge key with a list", "a: &a {alarms: true}\nb: &b {alarms: false, dashboard: true}\n"
          "config:\n  aws:region: eu-central-1\n  <<: [*a, *b]\n", alarms="true",
          dashboard="true"),
    engine("merge key with a number", "  <<: 7\n",
           "The merge key << requires a mapping or a list of mappings."),
    program("merge key in quotes", "  '<<': 7\n",
            "<< is unknown. Remove it, or use a key that Pulumi.yaml declares.", **{"<<": "7"}),
    engine("aliases that multiply", "  pulumi:tags:\n    - &a0 [x, x, x, x, x, x, x, x, x, x]\n" +
           "".join(f"    - &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 6)),
           "The document contains too many aliases.", line=4),
    # --- encrypted values
    engine("encrypted value that is no ciphertext", "  counter-service:alarmEmail:\n"
           "    secure: nonsense\n", "counter-service:alarmEmail is encrypted, and the local run "
           "cannot decrypt it. Write it as a plain value, or use another stack."),
    engine("encrypted value beside another key", "  counter-service:stageName: {secure: a, b: c}\n",
           _type("stageName", '{"b":"c","secure":"a"}', "string")),
    # --- syntax
    engine("merge conflict", "<<<<<<< HEAD\n  counter-service:alarms: true\n=======\n"
           "  counter-service:alarms: false\n>>>>>>> branch\n",
           "<<<<<<< marks a merge conflict. Resolve it."),
    engine("merge conflict with its base", "<<<<<<< ours\n  alarms: true\n||||||| base\n=======\n"
           "  alarms: false\n>>>>>>> theirs\n", "<<<<<<< marks a merge conflict. Resolve it."),
    engine("merge marker that is left", "  alarms: true\n>>>>>>> branch\n",
           ">>>>>>> marks a merge conflict. Resolve it.", line=4),
    engine("indentation by a tab", "\tcounter-service:alarms: true\n",
           "It is not valid YAML: found a tab character that violates indentation."),
    accepted("tab before a value", "  counter-service:alarms:\ttrue\n", alarms="true"),
    engine("two colons", "  counter-service:stageName: a: b\n", f"It is not valid YAML: {COLON}."),
    engine("quote without an end", '  counter-service:stageName: "a\n',
           "It is not valid YAML: found unexpected end of stream."),
    engine("list without an end", "  counter-service:allowedOrigins: [a\n",
           "It is not valid YAML: did not find expected ',' or ']'."),
    engine("key without a colon", "  counter-service:alarms\n",
           f"It is not valid YAML: {MISSING_COLON}."),
    engine("indentation that differs", "   counter-service:alarms: true\n",
           f"It is not valid YAML: {COLON}."),
    accepted("line ends of Windows", "  counter-service:alarms: true\r\n", alarms="true"),
    accepted("no line end", "  counter-service:alarms: true", alarms="true"),
    # --- files
    whole("byte order mark", b"\xef\xbb\xbf" + HEAD.encode()),
    whole("UTF-16", HEAD.encode("utf-16")),
    whole("line ends of Windows everywhere", HEAD.replace("\n", "\r\n")),
    whole("JSON", '{"config": {"aws:region": "eu-central-1", "alarms": true}}', alarms="true"),
    whole("second document", HEAD + "---\nconfig:\n  alarms: true\n"),
    whole("second document that is wrong", HEAD + "---\n[\n"),
    whole("directive of YAML 1.1", "%YAML 1.1\n---\n" + HEAD),
    engine_whole("directive of YAML 1.2", "%YAML 1.2\n---\n" + HEAD,
                 "The engine only reads YAML 1.1. Remove this line."),
    whole("other keys", "description: a\nencryptionsalt:\nsecretsprovider: passphrase\n" + HEAD),
    whole("long comment", HEAD + "# " + "x" * 200_000 + "\n"),
    engine_whole("Latin-1", HEAD.encode() + b"  counter-service:stageName: z\xe4hler\n",
                 "The file has bytes that are not text. Save it as UTF-8.", 3),
    engine_whole("control character", HEAD.encode() + b"  counter-service:stageName: a\x00b\n",
                 "The file has bytes that are not text. Save it as UTF-8.", 3),
    engine_whole("list", "- config\n",
                 "The file is not a mapping. Begin it with a key such as config:."),
    engine_whole("text", "config\n",
                 "The file is not a mapping. Begin it with a key such as config:."),
    engine_whole("key that is a number beside config", HEAD + "7: x\n",
                 "This key is not text. Remove it, or put it in quotes.", 3),
    engine_whole("config that is a list", "config: [a]\n",
                 "config is not a mapping of keys and values."),
    engine_whole("config that is a text", "config: a\n",
                 "config is not a mapping of keys and values."),
    engine_whole("salt that is a list", HEAD + "encryptionsalt: [a]\n",
                 "encryptionsalt is not text. Write it as a single value.", 3),
    engine_whole("environment", HEAD + "environment:\n  - shared\n",
                 "The local run cannot open environments of Pulumi ESC. Remove them, or use a "
                 "stack without them.", 3),
    program_whole("config without a value", "config:\n", NO_REGION),
    program_whole("config in capitals", "Config:\n  aws:region: eu-central-1\n", NO_REGION),
    program_whole("empty file", "", NO_REGION),
    program_whole("comment only", "# nothing\n", NO_REGION),
    program_whole("first document without content", "---\n---\n" + HEAD, NO_REGION),
]  # fmt: skip
