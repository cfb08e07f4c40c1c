/** Rules of the linter: supported browsers have every function, and a translator may replace every text. */

import { lackedBy, namesLackedBy, supportedBrowsers } from "./compat.js";

const lacked = new Set(lackedBy(supportedBrowsers));
const lackedNames = namesLackedBy(supportedBrowsers);

// Fields and methods of the page's own objects whose names newer browsers use too.
const OWN_NAMES = new Set(["connection", "override", "take"]);

/** Reports globals and members that a browser in the browserslist of package.json lacks. */
const supported = {
  create(context) {
    const report = (node, name) =>
      context.report({ node, message: `A browser in the browserslist of package.json lacks ${name}. Use something older.` });
    return {
      MemberExpression(node) {
        if (node.computed) return;
        const { object, property } = node;
        const path = object.type === "Identifier" ? `${object.name}.${property.name}` : property.name;
        if (lacked.has(path) || (lackedNames.has(property.name) && !OWN_NAMES.has(property.name))) report(property, path);
      },
      "Program:exit"(node) {
        for (const { identifier, isTypeReference } of context.sourceCode.getScope(node).through) {
          if (!isTypeReference && lacked.has(identifier.name)) report(identifier, identifier.name);
        }
      },
    };
  },
};

/**
 * Reports text beside other children. A translator wraps such a text node in an element of its own, and React throws
 * when it removes the text node. The only text of an element is safe, because React replaces all that the element has.
 */
const wrappedText = {
  create(context) {
    const check = ({ type, children }) => {
      const shown = children.filter(isShown);
      if (type === "JSXElement" && shown.length === 1) return;
      for (const node of shown.filter(isText)) {
        context.report({ node, message: "A translator may wrap this text, and then React cannot remove it. Put it into an element." });
      }
    };
    return { JSXElement: check, JSXFragment: check };
  },
};

function isText({ type, expression }) {
  return type === "JSXText" || (type === "JSXExpressionContainer" && holdsText(expression));
}

function isShown(node) {
  if (node.type === "JSXText") return /\S/u.test(node.value);
  return node.type !== "JSXExpressionContainer" || node.expression.type !== "JSXEmptyExpression";
}

/** Whether an expression results in a text, as far as its form shows. */
function holdsText(node) {
  if (node.type === "LogicalExpression") return holdsText(node.right);
  if (node.type === "ConditionalExpression") return holdsText(node.consequent) || holdsText(node.alternate);
  return node.type === "TemplateLiteral" || (node.type === "Literal" && typeof node.value === "string");
}

export default { meta: { name: "page" }, rules: { supported, "wrapped-text": wrappedText } };
