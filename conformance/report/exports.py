"""The report for machines: report.json and junit.xml."""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from conformance.report.model import Report, Result, entries, started
from conformance.report.octets import without_surrogates
from conformance.report.terminal import plain, settings_line, target_name

_WIDTH = 100
_SMOKE = "smoke"


def report_json(report: Mapping[str, Any]) -> str:
    """The report itself, as ``schema.json`` describes it."""
    return json.dumps(without_surrogates(dict(report)), indent=1) + "\n"


def junit(report: Report) -> str:
    """One test case for each result, and the smoke tests, in the form that CI systems read."""
    suite = ElementTree.Element(
        "testsuite",
        name=f"{report['suite']['name']}.{report['target']['kind']}",
        timestamp=report["started"].partition("+")[0].removesuffix("Z"),
        time=f"{report['seconds']:.3f}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in {
        "suite": f"{report['suite']['name']} {report['suite']['version']}",
        "spec": report["suite"]["spec"],
        "target": target_name(report),
        "settings": settings_line(report),
    }.items():
        ElementTree.SubElement(properties, "property", name=name, value=value)
    _smoke(suite, report, "before")
    for result in report["results"]:
        _case(suite, report, result)
    if started(report):
        _smoke(suite, report, "after")
    numbers = {
        "tests": len(suite.findall("testcase")),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    suites = ElementTree.Element("testsuites", name=report["suite"]["name"])
    for element in (suite, suites):
        element.attrib.update({name: str(number) for name, number in numbers.items()})
    suites.append(suite)
    ElementTree.indent(suites)
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return declaration + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _smoke(suite: ElementTree.Element, report: Report, when: str) -> None:
    case = _element(suite, report, _SMOKE, f"smoke test {when} the cases", 0.0)
    if not (report["smoke"]["before"] if when == "before" else report["smoke"]["after"]):
        sentence = report["smoke"]["sentence"]
        error = ElementTree.SubElement(case, "error", type="SMOKE", message=sentence)
        error.text = sentence


def _case(suite: ElementTree.Element, report: Report, result: Result) -> None:
    verdict, detail = result["verdict"], result["detail"]
    case = _element(suite, report, result["requirement"], result["case"], result["seconds"])
    failure = result["failure"]
    message = (failure["summary"] if failure else "") or detail or verdict
    if verdict in {"FAIL", "XPASS"}:
        trouble = ElementTree.SubElement(case, "failure", type=verdict, message=message)
        trouble.text = _chart(report, result)
    elif verdict in {"ERROR", "INCONCLUSIVE"}:
        trouble = ElementTree.SubElement(case, "error", type=verdict, message=message)
        trouble.text = _chart(report, result)
    elif verdict in {"XFAIL", "UNSUPPORTED", "NOT TESTED"}:
        ElementTree.SubElement(case, "skipped", message=f"{verdict}: {message}")
    elif verdict != "PASS":
        ElementTree.SubElement(case, "system-out").text = f"{verdict}: {_chart(report, result)}"


def _element(
    suite: ElementTree.Element, report: Report, requirement: str, name: str, seconds: float
) -> ElementTree.Element:
    classname = f"{report['target']['kind']}.{requirement}"
    return ElementTree.SubElement(
        suite, "testcase", classname=classname, name=name, time=f"{seconds:.3f}"
    )


def _chart(report: Report, result: Result) -> str:
    """The result as the terminal shows it; a single one, whatever others are like it."""
    alone = report.copy()
    alone["results"] = [result]
    found = entries(alone)
    return plain(alone, found[0], _WIDTH) if found else result["detail"]
