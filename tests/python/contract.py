"""Is the contract valid OpenAPI?

    contract.py FILE
"""

import sys

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

with open(sys.argv[1]) as file:
    contract = yaml.safe_load(file)
OpenAPIV31SpecValidator(contract).validate()
