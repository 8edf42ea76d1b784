export const satchelTypes = String.raw`
<'satchel'='https://satchel.dev/jcr/1.0'>

[satchel:WorkflowModel] > nt:unstructured

[satchel:WorkflowStep] > nt:unstructured
`;
