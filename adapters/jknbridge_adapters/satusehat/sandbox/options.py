"""The switches of the simulated SATUSEHAT: where sources disagree, are silent, or the platform changed."""

from typing import Final

from jknbridge.sandbox.options import Option

OPTIONS: Final = (
    Option("token_lifetime", 3599, "seconds that a token lives; 14399 was seen in production", "satusehat §3"),
    Option("token_interval", 0, "refuses a client's second token call within so many seconds", "satusehat §3"),
    Option("token_refusal", "apigee", "answer to a wrong client", "satusehat §3", ("apigee", "outcome", "html")),
    Option("user_agent", "any", "answer to a call without User-Agent", "satusehat §3", ("any", "403", "empty")),
    Option("api_product", True, "whether the client has the right to the FHIR API product", "satusehat §4"),
    Option("server_error", "503", "form of the fault http_5xx", "satusehat §4, §5", ("503", "504", "502", "500")),
    Option("national_codes", "open", "`closed` refuses national codes that were never seen to pass",
           "satusehat §9.1", ("open", "closed")),
    Option("member_case", "any", "`exact` refuses members spelt in another case", "satusehat §20 #11",
           ("any", "exact")),
    Option("duplicate_by", "content", "what makes a duplicate: identifier and equal content, or identifier alone",
           "satusehat §15, §21", ("content", "identifier")),
    Option("duplicate_form", "20002", "the refusal of a duplicate; `array` and `array200` for Bundles only",
           "satusehat §5, §18", ("20002", "2023", "array", "array200")),
    Option("reference_form", "text", "the refusal of an unknown reference", "satusehat §5.1, §15", ("text", "20007")),
    Option("identifier_answer", "empty", "what a stored resource's identifier shows: [] when none was sent, the "
           "sender's `creator` appended, or as sent", "satusehat §7", ("empty", "creator", "as_sent")),
    Option("full_url_uuid", "placeholders", "`strict` takes UUIDs only; else `urn:uuid:UJI-…`, the placeholder of "
           "the published samples, passes too", "satusehat §18", ("placeholders", "strict")),
    Option("bundle_leaves_encounter", False, "a refused Bundle leaves its Encounter behind", "satusehat §18"),
    Option("bundle_followers", "judged", "entries after a refused one: judged too, or 20012 and 20013",
           "satusehat §6", ("judged", "skipped")),
    Option("episode_patch_patient", True, "PATCH of EpisodeOfCare must replace /patient", "satusehat §15"),
    Option("index_delay", 0, "milliseconds that searches lag behind reads", "satusehat §14"),
    Option("page_size", 100, "rows of a search page", "satusehat §14"),
    Option("selective", False, "refuses a search without any known parameter", "satusehat §14"),
    Option("patient_answer", "2026", "what a Patient read or search shows", "satusehat §11", ("2026", "2024", "plain")),
    Option("patient_create", "found", "what the civil registry says to a new Patient", "satusehat §11",
           ("found", "unknown", "differs", "internal")),
    Option("patient_edit", "allowed", "whether an organisation may PATCH a Patient", "satusehat §11",
           ("allowed", "refused")),
)  # fmt: skip
