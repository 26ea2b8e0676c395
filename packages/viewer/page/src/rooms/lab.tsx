/** A client and a server in the page: what the reader changes, and what comes of it. */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { follow, leave } from '../lab.ts';
import { SceneView } from '../parts/scene.tsx';
import { CertificateChoice, SettingsPanel } from '../parts/settings.tsx';

export function LabRoom(): JSX.Element {
  useEffect(() => {
    follow();
    addEventListener('hashchange', follow);
    return () => {
      removeEventListener('hashchange', follow);
      leave();
    };
  }, []);
  return (
    <>
      <CertificateChoice />
      <SettingsPanel />
      <SceneView waiting="Making keys and certificates…" />
    </>
  );
}
