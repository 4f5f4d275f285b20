"""The registration of the workflows. Their names are state: running instances know them."""

import azure.durable_functions as df

from orchestrators.grant import NAME, grant

blueprint = df.Blueprint()
blueprint.orchestration_trigger(context_name="context", orchestration=NAME)(grant)
