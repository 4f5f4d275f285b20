"""Curfew as an Azure Functions app: the house's rooms, registered."""

import azure.durable_functions as df

import activities.giving
import activities.taking_back
import orchestrators.blueprint
import triggers.grants
import triggers.meta
import triggers.tenants

app = df.DFApp()
app.register_functions(orchestrators.blueprint.blueprint)
app.register_functions(activities.giving.blueprint)
app.register_functions(activities.taking_back.blueprint)
app.register_functions(triggers.grants.blueprint)
app.register_functions(triggers.tenants.blueprint)
app.register_functions(triggers.meta.blueprint)
