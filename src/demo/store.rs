//! What the demo asks PostgreSQL.

use sqlx::PgPool;

/// Whether the workspace has orders already.
pub async fn has_orders(db: &PgPool, workspace: i32) -> sqlx::Result<bool> {
    sqlx::query_scalar!("select exists(select from orders where workspace_id = $1) as \"exists!\"", workspace)
        .fetch_one(db)
        .await
}
