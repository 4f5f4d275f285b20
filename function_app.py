"""Curfew as an Azure Functions app: the house's rooms, registered."""

import azure.durable_functions as df

import activities.admitting
import activities.extending
import activities.giving
import activities.taking_back
import orchestrators.blueprint
import triggers.accounts
import triggers.audit
import triggers.checks
import triggers.credentials
import triggers.decisions
import triggers.grants
import triggers.meta
import triggers.onboarding
import triggers.profiles
import triggers.requests
import triggers.sweep
import triggers.tenants
import triggers.timers

app = df.DFApp()
app.register_functions(orchestrators.blueprint.blueprint)
app.register_functions(activities.admitting.blueprint)
app.register_functions(activities.giving.blueprint)
app.register_functions(activities.extending.blueprint)
app.register_functions(activities.taking_back.blueprint)
app.register_functions(triggers.requests.blueprint)
app.register_functions(triggers.decisions.blueprint)
app.register_functions(triggers.grants.blueprint)
app.register_functions(triggers.credentials.blueprint)
app.register_functions(triggers.onboarding.blueprint)
app.register_functions(triggers.tenants.blueprint)
app.register_functions(triggers.profiles.blueprint)
app.register_functions(triggers.checks.blueprint)
app.register_functions(triggers.audit.blueprint)
app.register_functions(triggers.accounts.blueprint)
app.register_functions(triggers.sweep.blueprint)
app.register_functions(triggers.timers.blueprint)
app.register_functions(triggers.meta.blueprint)
