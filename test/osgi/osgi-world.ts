/** OSGi configurations as files and nodes of a repository. */
import type { Repository } from '../../repository/api.js';
import { adminUser } from '../../repository/api.js';

/** The example of the documentation: at most 102,400 bytes. */
export const downloadServlet = 'com.day.cq.dam.core.impl.servlet.AssetDownloadServlet';
export const documentedExample = 'enabled=B"true"\nasset.download.prezip.maxcontentsize=I"102400"\n';

/** Adds or replaces an nt:file, as an upload or a content package does. */
export async function putFile(repository: Repository, path: string, text: string): Promise<void> {
  await repository.withSession(adminUser, async (session) => {
    await session.ensureNode(path, { primaryType: 'nt:file' }, 'sling:Folder');
    const content = `${path}/jcr:content`;
    if (!(await session.findNode(content))) await session.addNode(content, { primaryType: 'nt:resource' });
    await session.setProperties(content, {
      'jcr:data': await session.createBinary(text),
      'jcr:mimeType': 'text/plain',
      'jcr:lastModified': new Date(),
    });
    await session.save();
  });
}

export async function removeNode(repository: Repository, path: string): Promise<void> {
  await repository.withSession(adminUser, async (session) => {
    await session.remove(path);
    await session.save();
  });
}
