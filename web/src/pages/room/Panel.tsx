import { Tabs } from "@base-ui/react/tabs";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { cx } from "@/ui/classes";
import { AddField } from "./AddField";
import { ChatPanel } from "./chat/ChatPanel";
import * as frame from "./frame";
import type { Layout } from "./layout";
import { PeopleList } from "./PeopleList";
import { QueueList } from "./QueueList";

interface Props {
  readonly session: RoomSession;
  readonly layout: Layout;
}

export function Panel({ session, layout }: Props) {
  const items = useStore(session.view, ({ queue }) => queue.length);
  const unread = useStore(session.talk.unread, (value) => value);
  const people = useStore(session.view, ({ replica }) => Object.keys(replica?.members ?? {}).length);
  return (
    <Tabs.Root
      defaultValue="queue"
      render={<aside aria-label={t.room.panel} />}
      className={cx(
        frame.PANEL,
        layout.isTheatre && "wide:mr-4 wide:min-h-[420px]",
        layout.isPanelOpen ? "flex" : "flex wide:hidden compact:invisible compact:translate-x-full",
      )}
    >
      <Tabs.List className={frame.TABS}>
        <Tab value="queue" label={t.room.queue} count={items} />
        <Tab value="chat" label={t.room.chat} count={unread} isNews />
        <Tab value="people" label={t.room.people} count={people} />
        <Tabs.Indicator className="absolute bottom-0 left-(--active-tab-left) h-0.5 w-(--active-tab-width) rounded-full bg-accent transition-[left,width] duration-180 ease-out" />
        <button
          type="button"
          className="my-auto ml-auto hidden h-11 rounded-control px-3 text-sm font-medium text-dim hover:text-ink compact:block"
          onClick={layout.togglePanel}
        >
          {t.common.close}
        </button>
      </Tabs.List>
      <Tabs.Panel value="queue" className="flex min-h-0 flex-1 flex-col outline-none">
        <QueueList session={session} />
        <AddField session={session} />
      </Tabs.Panel>
      <Tabs.Panel value="chat" className="flex min-h-0 flex-1 flex-col outline-none">
        <ChatPanel session={session} isShown={layout.isPanelOpen} />
      </Tabs.Panel>
      <Tabs.Panel value="people" className="min-h-0 flex-1 overflow-y-auto outline-none">
        <PeopleList session={session} />
      </Tabs.Panel>
    </Tabs.Root>
  );
}

interface TabProps {
  readonly value: string;
  readonly label: string;
  readonly count: number;
  /** The count is of what was not read. */
  readonly isNews?: boolean;
}

function Tab({ value, label, count, isNews = false }: TabProps) {
  return (
    <Tabs.Tab
      value={value}
      aria-description={count > 0 ? (isNews ? t.room.unread(count) : String(count)) : undefined}
      className={cx(
        frame.TAB,
        "text-dim transition-colors duration-120 outline-none hover:text-ink focus-visible:bg-hover data-active:text-ink",
      )}
    >
      {label}
      {count > 0 && (
        <span
          aria-hidden
          className={cx(
            "text-xs tabular-nums",
            isNews
              ? "min-w-5 rounded-full bg-accent px-1.5 text-center leading-5 font-semibold text-on-accent"
              : "font-normal text-dim",
          )}
        >
          {isNews && count > 99 ? "99+" : count}
        </span>
      )}
    </Tabs.Tab>
  );
}
