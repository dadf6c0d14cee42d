"""The functions of the gateway: one file each, which defines a ``FUNCTION`` and is listed here."""

from revrec.sandbox.calls import GatewayFunction
from revrec.sandbox.functions import (
    create,
    create_invoice,
    create_sotransaction,
    delete,
    delete_sotransaction,
    get_account_balances,
    get_api_session,
    get_applications,
    get_closed_books_date,
    get_company_prefs,
    get_dimensions,
    get_financial_setup,
    get_trial_balance,
    get_user_permissions,
    inspect_objects,
    lookup,
    query,
    read,
    read_by_query,
    read_more,
    reverse_invoice,
    update,
    update_sotransaction,
)

FUNCTIONS: dict[str, GatewayFunction] = {
    module.FUNCTION.name: module.FUNCTION
    for module in (
        create,
        create_invoice,
        create_sotransaction,
        delete,
        delete_sotransaction,
        get_account_balances,
        get_api_session,
        get_applications,
        get_closed_books_date,
        get_company_prefs,
        get_dimensions,
        get_financial_setup,
        get_trial_balance,
        get_user_permissions,
        inspect_objects,
        lookup,
        query,
        read,
        read_by_query,
        read_more,
        reverse_invoice,
        update,
        update_sotransaction,
    )
}
