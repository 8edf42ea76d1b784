export const satchelTypes = String.raw`
<'satchel'='https://satchel.dev/jcr/1.0'>

[satchel:WorkflowModel] > nt:unstructured

// What the nodes of a model may be: engine/models/descriptions.ts says what each holds. None restricts its properties here, as
// an overlay may hold a part of a node only.
[satchel:WorkflowStep] > nt:unstructured

[satchel:WorkflowAndSplit] > nt:unstructured

[satchel:WorkflowOrSplit] > nt:unstructured

[satchel:WorkflowBranch] > nt:unstructured

[satchel:WorkflowGoto] > nt:unstructured

[satchel:WorkflowParticipant] > nt:unstructured

[satchel:WorkflowContainer] > nt:unstructured

[satchel:WorkflowExternal] > nt:unstructured

[satchel:WorkflowLauncher] > nt:unstructured

[satchel:Mail] > nt:unstructured
`;
