/** Who may do what in this room. The server has the last word; this only saves people a refusal. Pure. */

import { t } from "@/text";
import type { Member, Permissions } from "@/wire/wire.gen";
import type { Replica } from "./replica";

export type Role = Member["role"];
export type Permission = keyof Permissions;

const RANK: Readonly<Record<Role, number>> = { viewer: 1, member: 2, moderator: 3, owner: 4 };

export function myRole(replica: Replica): Role {
  return replica.members[replica.you.id]?.role ?? replica.you.role;
}

/** Why this person may not; null when they may. */
export function objection(replica: Replica | null, permission: Permission): string | null {
  if (replica === null) return null;
  const least = replica.settings.permissions[permission];
  if (RANK[myRole(replica)] >= RANK[least]) return null;
  return t.rights[permission][least];
}

/** Whether this person stands above somebody, and so may move or send them out. */
export function mayManage(replica: Replica, memberId: string): boolean {
  const mine = RANK[myRole(replica)];
  const member = replica.members[memberId];
  return member !== undefined && mine >= RANK.moderator && mine > RANK[member.role];
}

/** Whether this person may see who is banned, and let them in again. */
export function mayLetIn(replica: Replica): boolean {
  return RANK[myRole(replica)] >= RANK.moderator;
}

/** The roles below one's own, highest first, but for the one they have. */
export function rolesToGive(replica: Replica, memberId: string): readonly Role[] {
  const mine = RANK[myRole(replica)];
  const theirs = replica.members[memberId]?.role;
  return (["moderator", "member", "viewer"] as const).filter((role) => RANK[role] < mine && role !== theirs);
}

/** The more somebody may, the higher. */
export function rank(role: Role): number {
  return RANK[role];
}

export function isAtMost(role: Role, other: Role): boolean {
  return RANK[role] <= RANK[other];
}
