// Calls of the npm client @intacct/intacct-sdk; prints their results as JSON. The argument is the sandbox's address.
"use strict";

const fs = require("fs");
const https = require("https");
const path = require("path");
const tls = require("tls");

const {PlatformServices, Company, Common, GeneralLedger, AccountsReceivable, OrderEntry} =
    require("@intacct/intacct-sdk").Functions;
const {ClientConfig, OnlineClient, RequestConfig, SessionProvider} = require("@intacct/intacct-sdk");
const CompanyPrefsGet = require("@intacct/intacct-sdk/dist/Functions/Company/CompanyPrefsGet").default;
const GetUserPermissions = require("@intacct/intacct-sdk/dist/Functions/Company/GetUserPermissions").default;

const address = JSON.parse(process.argv[2]);

// The client knows no proxies: connect to the port that is api.intacct.com on this machine.
https.globalAgent.createConnection = (options, listener) =>
    tls.connect({...options, host: "127.0.0.1", port: Number(process.env.INTACCT_PORT)}, listener);

function login(changes = {}) {
    const config = new ClientConfig();
    config.senderId = address.sender_id;
    config.senderPassword = address.sender_password;
    config.companyId = address.company_id;
    config.userId = address.user_id;
    config.userPassword = address.user_password;
    return Object.assign(config, changes);
}

function made(Class, values) {
    return Object.assign(new Class(), values);
}

function journalEntry(values) {
    const line = (glAccountNumber, transactionAmount) =>
        made(GeneralLedger.JournalEntryLineCreate, {glAccountNumber, transactionAmount, locationId: "100", memo: "JS"});
    return made(GeneralLedger.JournalEntryCreate, {
        journalSymbol: "RR",
        postingDate: new Date("2025-03-31T00:00:00Z"),
        description: "From JavaScript",
        lines: [line("2400", 12.5), line("4000", -12.5)],
        ...values,
    });
}

async function errorOf(call) {
    try {
        await call();
    } catch (error) {
        return [error.name, error.message, ...(error.errors || [])].join(" ");
    }
    return null;
}

async function main() {
    const config = await SessionProvider.factory(login());
    const client = new OnlineClient(config);
    const result = async (call) => (await client.execute(call)).results[0];
    const inEntity = await SessionProvider.factory(login({entityId: "100"}));
    const found = {endpoint: config.endpointUrl, entity: inEntity.entityId};

    const lookup = await result(made(Common.Lookup, {objectName: "GLBATCH"}));
    found.fields = lookup.data[0].Fields.Field.map((one) => one.ID);
    found.objects = (await result(made(Common.Inspect, {objectName: "*"}))).data.length;
    found.dimensions = (await result(new PlatformServices.DimensionsGet())).data[0].dimension.length;
    const preferences = await result(made(CompanyPrefsGet, {application: "GL"}));
    found.preferences = preferences.data.map((one) => one.preference);
    const permissions = await result(made(GetUserPermissions, {userId: address.user_id}));
    found.applications = permissions.data[0].appSubscription.map((one) => one.applicationName);

    const customer = made(AccountsReceivable.CustomerCreate, {customerId: "JS-1", customerName: "New", printAs: "New"});
    found.customer = (await result(customer)).data[0].CUSTOMERID;
    const named = made(Common.ReadByName, {objectName: "CUSTOMER", names: ["JS-1"], fields: ["NAME"]});
    found.customerNow = (await result(named)).data[0].NAME;

    const folder = made(Company.AttachmentsFolderCreate, {folderName: "JS"});
    found.folder = (await result(folder)).key;
    const filePath = path.join(process.cwd(), "receipt.txt");
    fs.writeFileSync(filePath, "hello");
    const attachment = made(Company.AttachmentsCreate, {
        attachmentsId: "JS-A",
        attachmentsName: "Receipt",
        attachmentFolderName: "JS",
        files: [made(Company.AttachmentFile, {filePath})],
    });
    found.attachment = (await result(attachment)).key;

    const posted = (await result(journalEntry({attachmentsId: "JS-A", referenceNumber: "JS-1"}))).data[0].RECORDNO;
    const read = made(Common.Read, {objectName: "GLBATCH", keys: [Number(posted)], fields: ["STATE", "SUPDOCID"]});
    found.entry = (await result(read)).data[0];
    const {Query, QueryFilter, QueryOrderBy, QuerySelect} = Common.NewQuery;
    const query = new Query()
        .assignFromObject("GLBATCH")
        .assignSelectFields(new QuerySelect.SelectBuilder().addFields(["RECORDNO", "REFERENCENO"]).selects)
        .assignFilter(new QueryFilter.Filter("REFERENCENO").equalTo("JS-1"))
        .assignOrderBy(new QueryOrderBy.OrderBuilder().addAscending("RECORDNO").orders)
        .assignPageSize(10);
    found.queried = (await result(query)).data.map((one) => one.REFERENCENO);

    const first = await result(made(Common.ReadByQuery, {objectName: "GLACCOUNT", fields: ["ACCOUNTNO"], pageSize: 8}));
    const rest = await result(made(Common.ReadMore, {resultId: first.resultId}));
    found.accounts = [first.totalCount, first.data.length, rest.data.length, rest.numRemaining];
    found.deleted = (await result(made(GeneralLedger.JournalEntryDelete, {recordNo: Number(posted)}))).status;

    const transactionDate = new Date("2025-03-12T00:00:00Z");
    const line = {glAccountNumber: "2400", transactionAmount: 25, locationId: "100"};
    const invoice = made(AccountsReceivable.InvoiceCreate, {
        customerId: "C1007",
        transactionDate,
        paymentTerm: "Net 30",
        transactionCurrency: "USD",
        lines: [made(AccountsReceivable.InvoiceLineCreate, line)],
    });
    const key = (await result(invoice)).key;
    const reversal = made(AccountsReceivable.InvoiceReverse, {recordNo: Number(key), reverseDate: transactionDate});
    found.reversed = (await result(reversal)).key === key;
    const item = {itemId: "SUPPORT", quantity: 2, unit: "Hour", price: 80, locationId: "100"};
    const order = made(OrderEntry.OrderEntryTransactionCreate, {
        transactionDefinition: "Sales Order",
        transactionDate,
        customerId: "C1007",
        documentNumber: "JS-SO",
        paymentTerm: "Net 30",
        lines: [made(OrderEntry.OrderEntryTransactionLineCreate, item)],
    });
    found.order = (await result(order)).key;

    const accounts = made(Common.GetList.GetList, {object: "glaccount"});
    const batch = await client.executeBatch([accounts, new PlatformServices.DimensionsGet()]);
    found.batch = batch.results.map((one) => one.status);
    found.listed = batch.results[0].data.length;
    const transaction = made(RequestConfig, {transaction: true});
    const both = [journalEntry({}), journalEntry({journalSymbol: "NONE"})];
    found.errors = {
        transaction: await errorOf(() => client.executeBatch(both, transaction)),
        journal: await errorOf(() => client.execute(journalEntry({journalSymbol: "NONE"}))),
        field: await errorOf(() => client.execute(made(Common.Read, {objectName: "ITEM", keys: [1], fields: ["X"]}))),
        password: await errorOf(() => SessionProvider.factory(login({userPassword: "x"}))),
        sender: await errorOf(() => SessionProvider.factory(login({senderPassword: "x"}))),
    };
    console.log(JSON.stringify(found));
}

main().catch((error) => {
    console.error(error, error.errors);
    process.exit(1);
});
