"use strict";
// The same package, by `require`.
Object.defineProperty(exports, "__esModule", { value: true });
const tenon = require("../../../bindings-node/index.js");
const app = new tenon.Server({ name: 'types' });
const handler = ({ a }) => a;
app.tool('a', { input: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] } }, handler);
