"""The four operations of the public endpoint-management page, as a user pastes them. Field names, their order and the
values are the contract; YOUR_TEMPLATE_ID and ENDPOINT_ID stand for real ids."""

CREATE = (
    'mutation { saveEndpoint(input: { gpuIds: "AMPERE_16", idleTimeout: 5, locations: "US", name: "My Endpoint", '
    'flashBootType: FLASHBOOT, scalerType: "QUEUE_DELAY", scalerValue: 4, templateId: "YOUR_TEMPLATE_ID", '
    "workersMax: 3, workersMin: 0 }) { id name gpuIds idleTimeout locations flashBootType scalerType scalerValue "
    "templateId workersMax workersMin } }"
)

CREATE_WITH_COMMENTS = """
mutation {
  saveEndpoint(input: {
    gpuIds: "AMPERE_16",
    idleTimeout: 5,
    # a comment, with "quotes" { and braces
    # another
    locations: "US",
    name: "My Endpoint",
    # an enum value has no quotes
    flashBootType: FLASHBOOT,
    scalerType: "QUEUE_DELAY",
    scalerValue: 4,
    templateId: "YOUR_TEMPLATE_ID",
    workersMax: 3,
    workersMin: 0
    # networkVolumeId: "none"
  }) {
    id
    name
    gpuIds
    idleTimeout
    locations
    flashBootType
    scalerType
    scalerValue
    templateId
    workersMax
    workersMin
  }
}
"""

MODIFY = (
    'mutation { saveEndpoint(input: { id: "ENDPOINT_ID", gpuIds: "AMPERE_16", name: "My Endpoint", '
    'templateId: "YOUR_TEMPLATE_ID", workersMax: 5 }) { id gpuIds name templateId workersMax } }'
)

LIST = (
    "query { myself { endpoints { id name gpuIds idleTimeout locations networkVolumeId scalerType scalerValue "
    "templateId workersMax workersMin pods { desiredStatus } } "
    "serverlessDiscount { discountFactor type expirationDate } } }"
)

DELETE = 'mutation { deleteEndpoint(id: "ENDPOINT_ID") }'

CREATED = {
    "name": "My Endpoint", "gpuIds": "AMPERE_16", "idleTimeout": 5, "locations": "US", "flashBootType": "FLASHBOOT",
    "scalerType": "QUEUE_DELAY", "scalerValue": 4, "workersMax": 3, "workersMin": 0,
}


def fill(text: str, endpoint_id: str = "", template_id: str = "") -> str:
    return text.replace("ENDPOINT_ID", endpoint_id).replace("YOUR_TEMPLATE_ID", template_id)
