"""The samples in PHP and Go, with nothing but what comes with the language."""
import json
from typing import Any, Protocol

RECEIPT = "receipt.png"


class Sample(Protocol):
    """One call, as `samples` describes it."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> Any: ...
    @property
    def files(self) -> bool: ...


def php(one: Sample) -> str:
    headers = [f"{name}: {value}" for name, value in one.headers.items()]
    options = [f"    CURLOPT_CUSTOMREQUEST => {_php(one.method)},"] if one.method != "GET" else []
    if one.body is not None:
        headers.append("Content-Type: application/json")
        options.append(f"    CURLOPT_POSTFIELDS => json_encode({_php(one.body, 4)}),")
    elif one.files:
        options.append(f"    CURLOPT_POSTFIELDS => ['file' => new CURLFile('{RECEIPT}')],")
    options += [f"    CURLOPT_HTTPHEADER => {_php(headers, 4)},"] if headers else []
    return "\n".join(["<?php", f"$call = curl_init({_php(one.url)});", "curl_setopt_array($call, [", *options,
                      "    CURLOPT_RETURNTRANSFER => true,", "    CURLOPT_TIMEOUT => 10,", "]);",
                      "$answer = json_decode(curl_exec($call), true);",
                      "if (curl_getinfo($call, CURLINFO_RESPONSE_CODE) >= 400) {",
                      "    throw new RuntimeException($answer['code']);", "}", "print_r($answer);"])


def _php(value: Any, indent: int = 0) -> str:
    """A literal; lists and arrays take a line for each of theirs."""
    inner = " " * (indent + 4)
    match value:
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        case dict() if value:
            rows = [f"{inner}{_php(name)} => {_php(part, indent + 4)}," for name, part in value.items()]
        case list() if value:
            rows = [f"{inner}{_php(part, indent + 4)}," for part in value]
        case dict():
            return "new stdClass()"
        case _:
            return json.dumps(value)
    return "\n".join(["[", *rows, " " * indent + "]"])


def go(one: Sample) -> str:
    imports, before, body = {"fmt", "io", "net/http"}, list[str](), "nil"
    if one.body is not None:
        imports.add("strings")
        text = json.dumps(one.body, ensure_ascii=False, indent=2).replace("\n", "\n\t")
        before, body = [f"\tbody := strings.NewReader(`{text}`)"], "body"
    elif one.files:
        imports |= {"bytes", "mime/multipart", "os"}
        before, body = [f'\treceipt, _ := os.ReadFile("{RECEIPT}")', "\tbody := &bytes.Buffer{}",
                        "\tform := multipart.NewWriter(body)", f'\tpart, _ := form.CreateFormFile("file", "{RECEIPT}")',
                        "\tpart.Write(receipt)", "\tform.Close()"], "body"
    headers = [f'\trequest.Header.Set("{name}", "{value}")' for name, value in one.headers.items()]
    headers += ['\trequest.Header.Set("Content-Type", "application/json")'] if one.body is not None else []
    headers += ['\trequest.Header.Set("Content-Type", form.FormDataContentType())'] if one.files else []
    return "\n".join([
        "package main", "", "import (", *(f'\t"{name}"' for name in sorted(imports)), ")", "", "func main() {", *before,
        f'\trequest, _ := http.NewRequest("{one.method}", "{one.url}", {body})', *headers,
        "\tanswer, err := http.DefaultClient.Do(request)", "\tif err != nil {", "\t\tpanic(err)", "\t}",
        "\tdefer answer.Body.Close()", "\ttext, _ := io.ReadAll(answer.Body)",
        "\tfmt.Println(answer.Status, string(text))", "}"])
