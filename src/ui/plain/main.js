// What a browser adds to pages that are whole without a script: sorting, charts that are read point by point, uploads with
// their progress, and figures that follow what somebody imports.
import { sortable } from "./tables.js";
import { charts } from "./charts.js";
import { uploads } from "./uploads.js";
import { live } from "./live.js";

const enhance = (root) => {
  sortable(root);
  charts(root);
};

live(enhance);
enhance(document);
uploads();
