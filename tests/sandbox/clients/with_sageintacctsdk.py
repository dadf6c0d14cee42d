"""Calls of the PyPI client sageintacctsdk; prints their results as JSON. The argument is the sandbox's address."""

import json
import sys

from sageintacctsdk import SageIntacctSDK
from sageintacctsdk.exceptions import InvalidTokenError, NoPrivilegeError, WrongParamsError

address = json.loads(sys.argv[1])
credentials = {
    name: address[name] for name in ("sender_id", "sender_password", "user_id", "company_id", "user_password")
}
intacct = SageIntacctSDK(**credentials)


def line(sign, account):
    return {"ACCOUNTNO": account, "TR_TYPE": sign, "TRX_AMOUNT": "12.50", "LOCATION": "100", "CURRENCY": "USD"}


def entry(**more):
    header = {"JOURNAL": "RR", "BATCH_DATE": "3/31/2025", "BATCH_TITLE": "From Python", "REFERENCENO": "PY-1"}
    return header | more | {"ENTRIES": {"GLENTRY": [line("1", "2400"), line("-1", "4000")]}}


def error_of(call, *kinds):
    try:
        call()
    except kinds as error:
        return [type(error).__name__, str(error)]
    return None


LISTS = (
    "accounts", "departments", "locations", "location_entities", "customers", "vendors", "items", "projects", "classes",
    "tasks", "cost_types", "employees",
)  # fmt: skip
found = {"lists": {name: getattr(intacct, name).get_all() for name in LISTS}}
found["pages"] = [
    len(page) for page in intacct.customers.get_all_generator(order_by_field="RECORDNO", order="ascending")
]
found["count"] = intacct.accounts.count()
found["dimensions"] = [one["objectName"] for one in intacct.dimensions.get_all()]
found["objects"] = len(intacct.dimensions.get_objects()["type"])
found["routes"] = intacct.dimension_values.get_all("ROUTE")

contact = {"PRINTAS": "New Customer", "CONTACTNAME": "New Customer"}
found["customer"] = intacct.customers.post({"CUSTOMERID": "N-1", "NAME": "New", "DISPLAYCONTACT": contact})["data"]
found["customer_now"] = intacct.customers.get("CUSTOMERID", "N-1", ["CUSTOMERID", "NAME"])["CUSTOMER".lower()]
intacct.customers.update({"CUSTOMERID": "N-1", "NAME": "Newer"})
found["customer_by_query"] = intacct.customers.get_by_query(and_filter=[("equalto", "NAME", "Newer")])

folder = {"supdocfoldername": "Receipts"}
found["folder"] = intacct.attachments.create_attachments_folder(folder)["key"]
files = {"attachment": {"attachmentname": "receipt", "attachmenttype": "txt", "attachmentdata": "aGVsbG8="}}
names = {"supdocid": "R-1", "supdocname": "Receipt", "supdocfoldername": "Receipts"}
found["attachment"] = intacct.attachments.post(names | {"attachments": files})["key"]
found["attachment_now"] = intacct.attachments.get_attachment("supdocid", "R-1")["data"]["supdoc"]
more = {"attachment": files["attachment"] | {"attachmentname": "annex"}}
found["attachment_changed"] = intacct.attachments.update({"supdocid": "R-1", "attachments": more})["key"]
found["files"] = intacct.attachments.get_all_attachments()["attachments"]["attachment"]
found["folders"] = [one["supdocfoldername"] for one in intacct.attachments.get_all_folders()]
found["folder_now"] = intacct.attachments.get_folder("supdocfoldername", "Receipts")["data"]["supdocfolder"]

posted = intacct.journal_entries.post(entry(SUPDOCID="R-1"))["data"]["glbatch"]["RECORDNO"]
found["entry"] = intacct.journal_entries.get("RECORDNO", posted, ["STATE", "REFERENCENO", "SUPDOCID"])["glbatch"]
found["changed"] = intacct.journal_entries.update(entry(RECORDNO=posted, BATCH_TITLE="Changed"))["status"]
found["title"] = intacct.journal_entries.get("RECORDNO", posted, ["BATCH_TITLE"])["glbatch"]["BATCH_TITLE"]
found["fields"] = [one["ID"] for one in intacct.journal_entries.get_lookup()["Type"]["Fields"]["Field"]]

day = {"year": "2025", "month": "03", "day": "12"}
items = {"lineitem": [{"glaccountno": "2400", "amount": "25.00", "locationid": "100"}]}
invoice = {
    "customerid": "C1007",
    "datecreated": day,
    "termname": "Net 30",
    "invoiceno": "PY-INV",
    "invoiceitems": items,
}
found["invoice"] = intacct.ar_invoices.post(invoice)["key"]
intacct.contracts.post({"CONTRACTID": "K-1", "NAME": "New"})
written = ("journal_entries", "gl_detail", "ar_invoices", "ar_invoice_items", "contracts")
found["written"] = {name: len(getattr(intacct, name).get_all()) for name in written}
found["deleted"] = intacct.journal_entries.delete(posted)["status"]
found["attachment_deleted"] = intacct.attachments.delete("R-1")["status"]
lines = {"sotransitem": [{"itemid": "SUPPORT", "quantity": "2", "unit": "Hour", "price": "80", "locationid": "100"}]}
order = {"transactiontype": "Sales Order", "datecreated": day, "customerid": "C1007", "documentno": "PY-SO"}
found["order"] = intacct.order_entry_transactions.post(order | {"termname": "Net 30", "sotransitems": lines})["key"]

prefs = intacct.api_base.format_and_send_request({"get_companyprefs": {"@application": "GL"}})
found["preferences"] = [one["preference"] for one in prefs["data"]["companypref"]]
found["entity"] = SageIntacctSDK(**credentials, entity_id="100").departments.count()

found["errors"] = {
    "journal": error_of(lambda: intacct.journal_entries.post(entry(JOURNAL="NONE")), WrongParamsError),
    "field": error_of(lambda: intacct.customers.get_all(fields=["NOTHING"]), WrongParamsError),
    "password": error_of(lambda: SageIntacctSDK(**credentials | {"user_password": "x"}), InvalidTokenError),
    "sender": error_of(lambda: SageIntacctSDK(**credentials | {"sender_password": "x"}), WrongParamsError),
    "permission": error_of(lambda: intacct.vendors.post({"VENDORID": "V", "NAME": "V"}), NoPrivilegeError),
}
print(json.dumps(found))
